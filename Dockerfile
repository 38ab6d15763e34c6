# vcon-otel as a container: `docker build -t vcon-otel .`, or through docker-compose.yml.

FROM node:24.20.0-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run -s build && npm prune --omit=dev --ignore-scripts

FROM node:24.20.0-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json config.schema.json LICENSE ./
COPY bin bin
COPY examples/vcons examples/vcons
COPY integrations/python integrations/python
# A volume at /data takes over this owner when it is first used: nobody else writes journal and ledger.
RUN mkdir /data && chown node:node /data && chmod 700 /data
USER node
WORKDIR /data
VOLUME /data
# Receivers, the Prometheus scrape, health.
EXPOSE 4418 9464 4419
ENTRYPOINT ["node", "/app/bin/vcon-otel.js"]
CMD ["serve", "/etc/vcon-otel/config.yaml"]
