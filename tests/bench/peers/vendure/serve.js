// PEER_COPIES processes that share a port, and one that does the jobs: how Vendure is spread over cores.
const cluster = require("node:cluster");
const { bootstrap, bootstrapWorker } = require("@vendure/core");
const { config } = require("./config");

const JOBS = "jobs";

function give_up(error) {
  console.error(error);
  process.exit(1);
}

async function work() {
  const worker = await bootstrapWorker(config);
  await worker.startJobQueue();
}

if (!cluster.isPrimary) {
  (process.env.PEER_ROLE === JOBS ? work() : bootstrap(config)).catch(give_up);
} else {
  cluster.fork({ PEER_ROLE: JOBS });
  for (let copy = 0; copy < Number(process.env.PEER_COPIES); copy++) cluster.fork();
  cluster.on("exit", () => give_up("one of the processes ended"));
  process.on("SIGTERM", () => {
    cluster.removeAllListeners("exit");
    for (const child of Object.values(cluster.workers)) child.kill();
    process.exit(0);
  });
}
