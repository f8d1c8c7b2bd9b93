# Rackwright with loaders, discovery system and all programs it runs, so that it works without a route to the outside.
#   docker build --target rackwright .     the server (also what a build without a target gives)
#   docker build --target lab-node .       a virtual server with its BMC, for the profile `lab` of docker-compose.yml
# Built by BuildKit and by the classic builder. Behind a proxy that signs TLS itself, give a BASE and
# a NODE that trust it.
ARG BASE=debian:12-slim
ARG NODE=node:24-bookworm-slim

FROM ${BASE} AS microkernel
COPY microkernel /build/microkernel
RUN /build/microkernel/build /microkernel && rm -rf /microkernel/tree-* /microkernel/lock

FROM ${NODE} AS modules
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libcap2-bin \
# DHCP and TFTP are ports below 1024, and the server is not root. On the file, not left to the engine's sysctl
# net.ipv4.ip_unprivileged_port_start alone, which containers on the host's network do not get.
 && setcap cap_net_bind_service=ep /usr/local/bin/node
# npm brings a list of authorities of its own; the system's is the one that can be added to.
ENV npm_config_cafile=/etc/ssl/certs/ca-certificates.crt
WORKDIR /srv/rackwright
COPY package.json package-lock.json .npmrc ./
RUN npm install --no-save --omit=dev

# What changes seldom comes first, so that a change of the sources begins neither image from the packages on.
FROM ${BASE} AS runtime
RUN apt-get update \
 && apt-get install -y --no-install-recommends ipmitool ipxe qemu-utils redis-server xz-utils zstd \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
 && useradd --system --uid 10001 --user-group --home-dir /var/lib/rackwright --shell /usr/sbin/nologin rackwright \
 && install -d -m 0700 -o rackwright -g rackwright /var/lib/rackwright
COPY --from=modules /usr/local/bin/node /usr/local/bin/node

FROM runtime AS rackwright
COPY --from=microkernel /microkernel /usr/share/rackwright/microkernel
COPY --from=modules /srv/rackwright/node_modules /srv/rackwright/node_modules
COPY . /srv/rackwright
ENV RACKWRIGHT_MICROKERNEL_DIR=/usr/share/rackwright/microkernel
USER rackwright
WORKDIR /var/lib/rackwright
VOLUME /var/lib/rackwright
EXPOSE 9090/tcp 9093/tcp 9080/tcp 67/udp 69/udp 4011/udp
HEALTHCHECK --interval=5s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9090/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/srv/rackwright/bin/rackwright"]
CMD ["serve"]

FROM runtime AS lab-runtime
RUN apt-get update \
 && apt-get install -y --no-install-recommends curl dnsmasq-base iproute2 ipxe-qemu nftables openipmi ovmf qemu-system-x86 seabios \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log

FROM lab-runtime AS lab-node
COPY --from=modules /srv/rackwright/node_modules /srv/rackwright/node_modules
COPY . /srv/rackwright
ENTRYPOINT ["/srv/rackwright/bin/rackwright", "lab", "node", "--uplink", "eth0"]
CMD []

# What a build without a target gives.
FROM rackwright
