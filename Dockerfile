# The image of a peer. Only the dashboard is built: Node 24 runs the TypeScript of src/ as it is.
#
#   docker build -t cares .
#   docker build -t cares --build-arg NODE=cares-base:local .     where no registry answers (scripts/setup/base-image.sh)
#
# `docker run -it cares` opens the terminal cockpit, `docker run cares peer` starts a peer. It runs functions on the engine whose socket it is
# given: see docker-compose.yml.
ARG NODE=node:24-bookworm-slim

FROM ${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No package needs its install script. Optional packages are needed here, the bundler's native part is one; a peer needs none, least of all the
# bundled Node, which the base has.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
RUN npm run build:web && npm prune --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM ${NODE}
# LANG: terminals show more than ASCII nowadays.
ENV NODE_ENV=production CARES_DATA=/data LANG=C.UTF-8
WORKDIR /app
RUN mkdir -p /data && chown node:node /data && ln -s /app/src/cares.js /usr/local/bin/cares
COPY --from=build /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY --from=build /app/dist/web ./dist/web
USER node
VOLUME /data
EXPOSE 4001/tcp 7070/tcp
# Asks for readiness, not for life: a peer that cannot answer calls should get none. Loads nothing but Node, which is 0.1 s.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s CMD \
  ["node", "-e", "fetch('http://127.0.0.1:7070/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["cares"]
CMD []
