import { writeFileSync } from 'node:fs';
import type { ApiServer } from './api-server.ts';
import { startApiServer } from './index.ts';
import { type Command, helpText, parseCommand, UsageError } from './options.ts';

/** The API server as a command. */

/** After this the process ends whatever still hangs. */
const STOP_MS = 900;

function complain(error: unknown): void {
  process.stderr.write(`api-server: ${error instanceof Error ? error.message : String(error)}\n`);
}

function stopOnSignal(server: ApiServer): void {
  const stop = (): void => {
    setTimeout(() => process.exit(0), STOP_MS).unref();
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        complain(error);
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

async function serve({ kubeconfig, options }: Command): Promise<void> {
  const server = await startApiServer({
    ...options,
    onError: (error, where) => process.stderr.write(`api-server: ${where}: ${String(error)}\n`),
  });
  stopOnSignal(server);
  if (kubeconfig !== undefined) writeFileSync(kubeconfig, server.kubeconfig(), { mode: 0o600 });
  process.stdout.write(`ready ${server.url}\n`);
}

try {
  const command = parseCommand(process.argv.slice(2));
  if (command.help) process.stdout.write(helpText());
  else await serve(command);
} catch (error) {
  complain(error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
