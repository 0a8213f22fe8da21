// A shop as Vendure's own project template has it, less pictures, mails and the pages of its staff.
const {
  DefaultJobQueuePlugin,
  DefaultLogger,
  DefaultSchedulerPlugin,
  DefaultSearchPlugin,
  LogLevel,
  dummyPaymentHandler,
} = require("@vendure/core");

const { DATABASE_URL, PEER_PORT, PEER_SECRET, PEER_MAKES_TABLES } = process.env;

exports.config = {
  apiOptions: { hostname: "127.0.0.1", port: Number(PEER_PORT), adminApiPath: "admin-api", shopApiPath: "shop-api" },
  authOptions: {
    tokenMethod: ["bearer", "cookie"],
    superadminCredentials: { identifier: "bench", password: PEER_SECRET },
    cookieOptions: { secret: PEER_SECRET },
  },
  dbConnectionOptions: {
    type: "postgres",
    url: DATABASE_URL,
    synchronize: PEER_MAKES_TABLES === "yes",
    logging: false,
    extra: { max: 40 },
  },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  plugins: [
    DefaultSchedulerPlugin.init(),
    DefaultJobQueuePlugin.init({ useDatabaseForBuffer: true }),
    DefaultSearchPlugin.init({ bufferUpdates: false, indexStockStatus: true }),
  ],
  logger: new DefaultLogger({ level: LogLevel.Warn }),
};
