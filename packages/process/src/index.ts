export { envName, FlagError, type ListenAddress, parseBoolean, parseDuration, parseInteger, parseListenAddress } from './flags.ts';
export { createLogger, type Logger, type LoggerOptions, type LogLevel, logLevels } from './logger.ts';
export {
  type ApiCall,
  apiCallMetrics,
  Counter,
  createRegistry,
  Gauge,
  Histogram,
  type QueueMetrics,
  queueMetrics,
  Registry,
} from './metrics.ts';
export { type ProbeServer, type ProbeServerOptions, startProbeServer } from './probe-server.ts';
export { logWhenReady } from './ready-line.ts';
export { type StopSignal, type StopSignalOptions, stopSignal } from './stop-signal.ts';
