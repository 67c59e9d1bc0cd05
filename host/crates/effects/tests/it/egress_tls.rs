//! TLS: whom the outbound path believes.

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use wforge_effects::outbound::{Egress, EgressError, EgressOptions, OutboundError};

use crate::servers::{FakeNames, Reply, Seen, get, ok, options, send, serve};

/// A server with a certificate of its own making for `real.test`.
struct TlsServer {
    port: u16,
    pem: String,
    _tasks: JoinSet<()>,
}

impl TlsServer {
    async fn start() -> Self {
        let names = ["real.test".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, &Seen::default(), &Reply::Close(ok("over TLS"))).await;
                }
            }
        });
        Self { port, pem: cert.pem(), _tasks: tasks }
    }
}

fn egress(trusted_pem: &str) -> Egress {
    let names = FakeNames::of(&[("real.test", &["127.0.0.1"]), ("other.test", &["127.0.0.1"])]);
    let trusted_pem = trusted_pem.into();
    let options = EgressOptions { trusted_pem, ..options(&["127.0.0.1"]) };
    Egress::with_names(options, names).unwrap()
}

#[tokio::test]
async fn a_server_is_believed_under_its_name_and_by_its_authority_only() {
    let server = TlsServer::start().await;
    let check = async |trusted: &str, host: &str| {
        send(&egress(trusted), get(&format!("https://{host}:{}/", server.port))).await
    };
    assert_eq!(check(&server.pem, "real.test").await, Ok("200 over TLS".to_owned()));
    for (trusted, host) in
        [("", "real.test"), (&server.pem, "other.test"), (&server.pem, "127.0.0.1")]
    {
        let error = check(trusted, host).await.unwrap_err();
        assert!(matches!(error, OutboundError::Unreachable { .. }), "{host}: {error:?}");
        assert!(error.to_string().contains("certificate"), "{host}: {error}");
    }
}

#[tokio::test]
async fn certificates_that_are_none_are_said_at_once() {
    let trusted_pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    let error = Egress::new(EgressOptions { trusted_pem, ..options(&[]) }).unwrap_err();
    assert!(matches!(error, EgressError::Certificates { .. }), "{error:?}");
}
