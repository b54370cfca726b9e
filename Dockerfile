# The service and the C libraries that it needs, without a shell. It runs as a user other than root and
# writes no files. Build it with `cargo xtask image films`.
ARG RUST_IMAGE=docker.io/library/rust:1-slim-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${RUST_IMAGE} AS build
# Puts the list of crates into the program, where scanners of images find it.
RUN cargo install --locked cargo-auditable --version 0.7.7
WORKDIR /src
ENV CARGO_TARGET_DIR=/target SQLX_OFFLINE=true
# A layer with the dependencies only: manifests and empty sources of our packages. A change of the sources
# does not rebuild this layer.
COPY Cargo.toml Cargo.lock ./
COPY loadtest/Cargo.toml loadtest/
COPY loadtest/baselines/rust/Cargo.toml loadtest/baselines/rust/
COPY xtask/Cargo.toml xtask/
RUN for package in . loadtest loadtest/baselines/rust xtask; do \
        mkdir -p $package/src && touch $package/src/lib.rs; \
    done && \
    echo 'fn main() {}' > src/main.rs && \
    cargo auditable build --release --locked --package films
COPY build.rs ./
COPY .sqlx .sqlx
COPY migrations migrations
COPY src src
ARG FILMS_COMMIT
# Cargo compares modification times, and the copied files are older than the build of the empty sources.
RUN touch build.rs src/lib.rs src/main.rs && cargo auditable build --release --locked --package films

FROM ${RUNTIME_IMAGE}
LABEL org.opencontainers.image.title="films" \
    org.opencontainers.image.description="A film catalogue and reviews service" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /target/release/films /usr/local/bin/films
# A number, because Kubernetes cannot tell whether a user name means root.
USER 65532:65532
EXPOSE 5000 9090
ENTRYPOINT ["/usr/local/bin/films"]
