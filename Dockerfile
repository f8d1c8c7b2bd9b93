# The server with loaders and discovery system inside, so that it works without a route to the outside.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates npm \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/rackwright
COPY package.json package-lock.json .npmrc ./
COPY scripts ./scripts
RUN mkdir -p .tools && cd .tools \
 && tarball=$(npm pack --silent "node-linux-$([ "$(uname -m)" = aarch64 ] && echo arm64 || echo x64)@24") \
 && tar xzf "$tarball" && rm "$tarball" && mv package node
RUN PATH="/srv/rackwright/.tools/node/bin:$PATH" npm install --no-save --omit=dev
COPY . .
RUN apt-get update && microkernel/build && rm -rf /var/lib/apt/lists/*

FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends ipxe ipmitool curl \
 && rm -rf /var/lib/apt/lists/* && mkdir -p /var/lib/rackwright && chmod 700 /var/lib/rackwright
WORKDIR /srv/rackwright
COPY --from=build /srv/rackwright/ ./
EXPOSE 9090/tcp 9080/tcp 67/udp 69/udp 4011/udp
ENTRYPOINT ["/srv/rackwright/bin/rackwright"]
CMD ["serve"]
