import { ApiServer, type ApiServerOptions } from './api-server.ts';

export { ApiServer, type ApiServerOptions } from './api-server.ts';

/** Starts an API server and resolves when it answers. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const server = new ApiServer(options);
  await server.listen();
  return server;
}
