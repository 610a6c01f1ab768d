# The image of one service: docker build --build-arg SERVICE=ingest .
# All four are compiled in one stage, so that the second image costs no more than a copy. An image has 15 to 26 MB, that of the service and some certificates.

# By its digest, since a tag can be moved. It is that of the index, which has amd64 and arm64.
FROM rust:1.95.0-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082 AS build

# Debian's archive keeps the newest patch of a package alone, so a pinned version would break the build one day.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates musl-tools \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /eventflow

# The toolchain file decides the compiler; the tag above only saves fetching it.
# cargo-auditable writes the list of crates into each binary: without it the SBOM of a static binary is empty.
COPY rust-toolchain.toml ./
RUN rustup target add "$(uname -m)-unknown-linux-musl" \
    && cargo install --locked cargo-auditable@0.7.7

# Linked against musl a binary needs no library, so that the image is it and the certificates alone.
# `.cargo/config.toml` has the queries checked against the committed query data, since there is no database here.
COPY . .
ENV TARGET_CC=musl-gcc
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/eventflow/target \
    cargo auditable build --release --locked --target "$(uname -m)-unknown-linux-musl" \
        -p ingest -p process-push -p admin -p bq-flush \
    && mkdir /out \
    && for service in ingest process-push admin bq-flush; do \
        cp "target/$(uname -m)-unknown-linux-musl/release/$service" /out/ || exit 1; \
    done


# The bare binaries, for a release: docker buildx build --target binaries --output DIR .
FROM scratch AS binaries
COPY --from=build /out/ /


FROM scratch AS service

ARG SERVICE
ARG VERSION=dev
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="eventflow-${SERVICE}" \
      org.opencontainers.image.description="EventFlow: ${SERVICE}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/${SERVICE:?} /service

# A number, since there is no /etc/passwd; nothing is written, so the root may be read-only.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/service"]
