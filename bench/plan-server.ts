import { monitorEventLoopDelay } from 'node:perf_hooks';
import { built } from './built.js';

/** The server, which tells its parent the longest time that its event loop stood still since it was asked last, in ms. */
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('message', () => {
  process.send?.(delay.max / 1e6);
  delay.reset();
});
const { runServer } = (await built('server.js')) as { runServer: () => Promise<void> };
await runServer();
process.exit(0);
