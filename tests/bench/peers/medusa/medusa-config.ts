// A shop as Medusa's documents have it in production: its four modules that several processes need are Redis's.
import { defineConfig } from "@medusajs/framework/utils"

const { DATABASE_URL, REDIS_URL: redisUrl, PEER_SECRET: secret } = process.env

module.exports = defineConfig({
  admin: { disable: true },
  projectConfig: {
    databaseUrl: DATABASE_URL,
    databaseLogging: false,
    databaseDriverOptions: { ssl: false, connection: { ssl: false }, pool: { min: 2, max: 40 } } as any,
    redisUrl,
    workerMode: "shared",
    http: { storeCors: "", adminCors: "", authCors: "", jwtSecret: secret, cookieSecret: secret },
  },
  modules: [
    { resolve: "@medusajs/medusa/event-bus-redis", options: { redisUrl } },
    { resolve: "@medusajs/medusa/cache-redis", options: { redisUrl } },
    { resolve: "@medusajs/medusa/workflow-engine-redis", options: { redis: { redisUrl } } },
    {
      resolve: "@medusajs/medusa/locking",
      options: {
        providers: [
          { resolve: "@medusajs/medusa/locking-redis", id: "locking-redis", is_default: true, options: { redisUrl } },
        ],
      },
    },
  ],
})
