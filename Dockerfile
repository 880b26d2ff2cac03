# syntax=docker/dockerfile:1
# The image of Herald: one bundle, its worker, and koffi's library. Nothing is compiled.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY packages packages
COPY crds crds
COPY controller controller
COPY speaker speaker
COPY playground playground
COPY cli cli
COPY charts/src charts/src
COPY scripts scripts
RUN npm ci --no-audit --no-fund && npm run -s bundle && npm sbom --sbom-format=spdx --omit=dev > dist/sbom.spdx.json

FROM gcr.io/distroless/nodejs24-debian12:nonroot
LABEL org.opencontainers.image.title="Herald" \
      org.opencontainers.image.description="A bare-metal LoadBalancer for Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /herald
COPY --from=build /src/dist /herald
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "/herald/herald.mjs"]
