//! Where the outbound path goes and where it does not.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use wforge_effects::outbound::{
    Egress, EgressOptions, Names, Outbound, OutboundError, OutboundRequest,
};

use crate::servers::{
    FakeNames, Reply, Server, egress, get, local, ok, options, response, send, send_as,
};

/// Why the URL is not reached, in words.
async fn refused(egress: &Egress, url: &str) -> String {
    send(egress, get(url)).await.expect_err(url).to_string()
}

#[tokio::test]
async fn any_status_is_a_response() {
    for status in ["200 OK", "404 Not Found", "500 Oops", "429 Slow Down"] {
        let server = Server::start(Reply::Keep(response(status, "", "text"))).await;
        let told = send(&local(), get(&server.url())).await;
        assert_eq!(told, Ok(format!("{} text", &status[..3])));
    }
}

#[tokio::test]
async fn a_request_arrives_as_it_was_given() {
    let server = Server::start(Reply::Keep(ok(""))).await;
    let mut request = get(&format!("{}a/../b?c=d#e", server.url()));
    request.method = "POST".to_owned();
    request.headers = vec![("X-Twice".into(), "1".into()), ("x-twice".into(), " ä ".into())];
    request.body = "text".into();
    send(&local(), request).await.unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "POST /b?c=d HTTP/1.1\r\nx-twice: 1\r\nx-twice: Ã¤\r\nuser-agent: wforge/{version}\r\n\
         accept: */*\r\nhost: {}\r\ncontent-length: 4\r\n\r\ntext",
        server.address
    );
    let seen = server.seen.requests();
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&seen[0]), sorted(&expected));
    assert!(seen[0].starts_with("POST /b?c=d HTTP/1.1\r\n"), "no absolute form: {seen:?}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let inner = Server::start(Reply::Keep(ok("secret"))).await;
    let location = format!("location: {}\r\n", inner.url());
    let server = Server::start(Reply::Keep(response("302 Found", &location, "gone"))).await;
    assert_eq!(send(&local(), get(&server.url())).await, Ok("302 gone".to_owned()));
    assert_eq!(inner.seen.connections(), 0);
}

#[tokio::test]
async fn an_address_that_is_not_public_is_refused_however_it_is_written() {
    let server = Server::start(Reply::Keep(ok("secret"))).await;
    let port = server.address.port();
    let closed = egress(&[], &FakeNames::of(&[]));
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "①②⑦.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "%31%32%37.0.0.1",
    ] {
        let told = refused(&closed, &format!("http://{host}:{port}/")).await;
        assert!(told.contains("not a public address"), "{host}: {told}");
    }
    assert_eq!(server.seen.connections(), 0);
}

#[tokio::test]
async fn a_name_with_an_address_that_is_not_public_is_refused() {
    let names = FakeNames::of(&[
        ("inner.test", &["10.0.0.1"]),
        ("mixed.test", &["8.8.8.8 10.0.0.1"]),
        ("wide.test", &["::ffff:10.0.0.1"]),
        ("nat.test", &["64:ff9b::7f00:1"]),
        ("localhost", &["127.0.0.1 ::1"]),
    ]);
    let closed = egress(&["127.0.0.2"], &names);
    for (name, address) in [
        ("inner.test", "10.0.0.1"),
        ("mixed.test", "10.0.0.1"),
        ("wide.test", "::ffff:10.0.0.1"),
        ("nat.test", "64:ff9b::7f00:1"),
        ("localhost", "127.0.0.1"),
    ] {
        let error = send(&closed, get(&format!("http://{name}/"))).await.unwrap_err();
        let (host, address) = (name.to_owned(), address.parse().unwrap());
        assert_eq!(error, OutboundError::Forbidden { host, address });
    }
}

#[tokio::test]
async fn a_name_that_rebinds_is_connected_to_where_it_was_checked() {
    let server = Server::start(Reply::Close(ok("first"))).await;
    let names = FakeNames::of(&[("rebind.test", &["127.0.0.1", "127.0.0.2"])]);
    let egress = egress(&["127.0.0.1"], &names);
    let url = format!("http://rebind.test:{}/", server.address.port());
    assert_eq!(send(&egress, get(&url)).await, Ok("200 first".to_owned()));
    assert_eq!(names.lookups(), 1, "what was checked is what was connected to");
    // Its connection is closed, so the next request resolves anew, and is checked anew.
    let error = send(&egress, get(&url)).await.unwrap_err();
    let (host, address) = ("rebind.test".to_owned(), "127.0.0.2".parse().unwrap());
    assert_eq!(error, OutboundError::Forbidden { host, address });
    assert_eq!(server.seen.requests().len(), 1);
}

#[tokio::test]
async fn the_host_header_is_the_name_that_was_asked_for() {
    let server = Server::start(Reply::Keep(ok(""))).await;
    let names = FakeNames::of(&[("a.test", &["127.0.0.1"])]);
    let url = format!("http://A.test:{}/http://evil.example/", server.address.port());
    send(&egress(&["127.0.0.1"], &names), get(&url)).await.unwrap();
    let seen = server.seen.requests();
    assert!(seen[0].starts_with("GET /http://evil.example/ HTTP/1.1\r\n"), "{seen:?}");
    let host = format!("\r\nhost: a.test:{}\r\n", server.address.port());
    assert!(seen[0].contains(&host), "{seen:?}");
}

#[tokio::test]
async fn an_exception_with_a_port_is_for_that_port_alone() {
    let (open, closed) =
        (Server::start(Reply::Keep(ok("open"))).await, Server::start(Reply::Keep(ok("no"))).await);
    let names = FakeNames::of(&[("a.test", &["127.0.0.1"])]);
    let egress = egress(&[&format!("127.0.0.1:{}", open.address.port())], &names);
    for host in ["127.0.0.1", "a.test"] {
        let url = |server: &Server| format!("http://{host}:{}/", server.address.port());
        assert_eq!(send(&egress, get(&url(&open))).await, Ok("200 open".to_owned()));
        let told = refused(&egress, &url(&closed)).await;
        assert!(told.contains("not a public address"), "{told}");
    }
    assert_eq!(closed.seen.connections(), 0);
}

#[tokio::test]
async fn tenants_share_no_connection() {
    let server = Server::start(Reply::Keep(ok("x"))).await;
    let egress = local();
    for tenant in ["acme", "acme", "north", "acme", "north"] {
        send_as(&egress, tenant, get(&server.url())).await.unwrap();
    }
    assert_eq!(server.seen.requests().len(), 5);
    assert_eq!(server.seen.connections(), 2, "one for each tenant");
}

#[tokio::test]
async fn a_client_that_was_dropped_from_memory_is_made_again() {
    let server = Server::start(Reply::Keep(ok("x"))).await;
    let few = EgressOptions { clients_max: 1, ..options(&["127.0.0.1"]) };
    let egress = Egress::with_names(few, FakeNames::of(&[])).unwrap();
    for tenant in ["acme", "north", "acme"] {
        send_as(&egress, tenant, get(&server.url())).await.unwrap();
    }
    assert_eq!(server.seen.connections(), 3);
}

#[tokio::test]
async fn what_cannot_be_sent_says_why() {
    let server = Server::start(Reply::Keep(ok(""))).await;
    let egress = local();
    for (url, reason) in [
        ("http://good.example@127.0.0.1/", "user information"),
        ("http://u:p@127.0.0.1/", "user information"),
        ("http://127.0.0.1\\@good.example/", "backslashes"),
        ("ftp://127.0.0.1/", "absolute"),
        ("/v1", "absolute"),
        ("http://a.test./", "without a dot"),
        ("http://127.0.0.1:0/", "port"),
    ] {
        let told = refused(&egress, url).await;
        assert!(told.contains(reason), "{url}: {told}");
    }
    let check = async |change: &dyn Fn(&mut OutboundRequest), reason| {
        let mut request = get(&server.url());
        change(&mut request);
        let told = send(&egress, request).await.unwrap_err();
        assert!(matches!(told, OutboundError::Invalid { .. }), "{told:?}");
        assert!(told.to_string().contains(reason), "{told}");
    };
    let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    check(&|request| request.headers = header("Host", "evil.example"), "belongs to the host").await;
    check(&|request| request.headers = header("content-length", "9"), "belongs to the host").await;
    check(&|request| request.headers = header("a", "b\r\nc: d"), "control characters").await;
    check(&|request| request.headers = header("a b", "c"), "no name of a header").await;
    check(&|request| request.headers = vec![Default::default(); 101], "at most 100").await;
    check(&|request| request.headers = header("a", &"b".repeat(64 << 10)), "65536 bytes").await;
    check(&|request| request.method = "get".to_owned(), "in capitals").await;
    check(&|request| request.method = "CONNECT".to_owned(), "not sent").await;
    check(&|request| request.method = "GET / HTTP/1.1\r\nx: y".to_owned(), "in capitals").await;
    let few = EgressOptions { request_bytes_max: 3, ..options(&["127.0.0.1"]) };
    let few = Egress::with_names(few, FakeNames::of(&[])).unwrap();
    let mut request = get(&server.url());
    request.body = "four".into();
    assert!(send(&few, request).await.unwrap_err().to_string().contains("more than 3 bytes"));
    assert_eq!(server.seen.connections(), 0);
}

#[tokio::test]
async fn what_is_not_there_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let egress = egress(&["127.0.0.1"], &FakeNames::of(&[("empty.test", &[])]));
    for (url, reason) in [
        (gone.as_str(), "refused"),
        ("http://nowhere.test/", "no such name"),
        ("http://empty.test/", "no address"),
    ] {
        let error = send(&egress, get(url)).await.unwrap_err();
        assert!(matches!(error, OutboundError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

/// A name server that keeps silent about one name until the test says so, and knows no other.
#[derive(Debug)]
struct StuckNames {
    lookups: AtomicUsize,
    released: Mutex<mpsc::Receiver<()>>,
}

impl Names for StuckNames {
    fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        if name == "stuck.test" {
            self.lookups.fetch_add(1, Ordering::SeqCst);
            let _ = self.released.lock().unwrap().recv();
        }
        Err(io::Error::other("no such name"))
    }
}

#[tokio::test]
async fn a_tenant_that_gives_up_on_names_cannot_pile_up_lookups() {
    let (release, released) = mpsc::sync_channel(0);
    let (lookups, released) = (AtomicUsize::new(0), Mutex::new(released));
    let names = Arc::new(StuckNames { lookups, released });
    let few = EgressOptions { lookups_max: 2, ..options(&[]) };
    let egress = Egress::with_names(few, names.clone()).unwrap();
    for _ in 0..5 {
        let mut request = get("http://stuck.test/");
        request.timeout = Duration::from_millis(20);
        let error = send(&egress, request).await.unwrap_err();
        assert!(matches!(error, OutboundError::Timeout { .. }), "{error:?}");
    }
    assert!(names.lookups.load(Ordering::SeqCst) <= 2, "{names:?}");
    let other = send_as(&egress, "north", get("http://other.test/")).await.unwrap_err();
    assert!(other.to_string().contains("no such name"), "another tenant waits as well: {other}");
    drop(release);
}

#[tokio::test]
async fn neither_requests_nor_errors_show_what_was_sent() {
    let server = Server::start(Reply::Close(Vec::new())).await;
    let mut request = get(&format!("{}path-secret?key=query-secret", server.url()));
    request.headers = vec![("authorization".into(), "Bearer header-secret".into())];
    request.body = "body-secret".into();
    let debug = format!("{request:?}");
    let error = send(&local(), request).await.unwrap_err();
    let told = format!("{debug} {error} {error:?}");
    assert!(matches!(error, OutboundError::Broken { .. }) && !told.contains("secret"), "{told}");
}

#[tokio::test]
async fn the_systems_names_are_checked_as_well() {
    let server = Server::start(Reply::Keep(ok("here"))).await;
    let url = format!("http://localhost:{}/", server.address.port());
    let closed: Arc<dyn Outbound> = Arc::new(Egress::new(EgressOptions::default()).unwrap());
    let told = closed.send(&"acme".parse().unwrap(), get(&url)).await.unwrap_err();
    assert!(matches!(told, OutboundError::Forbidden { .. }), "{told:?}");
    let open = Egress::new(options(&["localhost"])).unwrap();
    assert_eq!(send(&open, get(&url)).await, Ok("200 here".to_owned()));
}
