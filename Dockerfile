# syntax=docker/dockerfile:1
# Two stages: one builds the plugins and the program, the other holds nothing else.
# The bases are pinned by version; pin them by digest where you mirror them.

FROM rust:1.95.0-bookworm AS build
# The toolchain of the base, without the components that only developers need.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
COPY .cargo ./.cargo
COPY wit ./wit
COPY sdk ./sdk
COPY plugins ./plugins
COPY host ./host
# What `wforge explain` prints, and the schemas of files.
COPY docs/errors ./docs/errors
COPY docs/reference ./docs/reference
# Installs what is missing, such as Node.js; this stage is not shipped.
RUN sdk/toolchain.sh setup && sdk/toolchain.sh build && rm -rf target/plugins/.build target/plugins/proofs target/plugins/probes
RUN install -D -m 644 /etc/ssl/certs/ca-certificates.crt certs/ca-certificates.crt
RUN cargo build --locked --release --package wforge && mkdir data

FROM debian:bookworm-slim AS image
LABEL org.opencontainers.image.title="WorkflowForge" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY LICENSE /usr/share/doc/wforge/LICENSE
COPY --from=build /src/target/release/wforge /usr/local/bin/wforge
# By which models and servers outside are trusted.
COPY --from=build /src/certs /etc/ssl/certs
# Installed by `wforge plugin install /usr/share/wforge/plugins`: nothing runs unasked.
COPY --from=build /src/target/plugins /usr/share/wforge/plugins
COPY examples /usr/share/wforge/examples
# A number, so that Kubernetes can see that it is not root.
COPY --from=build --chown=10001:10001 /src/data /var/lib/wforge
USER 10001:10001
ENV WFORGE_ENV=production WFORGE_DATA_DIR=/var/lib/wforge
VOLUME ["/var/lib/wforge"]
# Production refuses to start until its secrets are set: `docker run --rm IMAGE config check` lists
# them. For others to reach it, set WFORGE_SERVER__LISTEN=0.0.0.0:7420 with a certificate, or with
# WFORGE_SERVER__PLAIN_TEXT=true behind a proxy that ends TLS.
EXPOSE 7420
HEALTHCHECK --interval=10s --timeout=3s --retries=3 CMD ["wforge", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["wforge"]
CMD ["serve"]
