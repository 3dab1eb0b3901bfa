/**
 * All cores: worker processes of one program on one port.
 *
 * @module
 */
export {
  type Cluster,
  cluster,
  type ClusterOptions,
  type ClusterStats,
  type ClusterWorker,
  type WorkerMain,
  type WorkerServer,
  type WorkerState,
  type WorkerStats,
} from "./src/cluster/cluster.ts";
