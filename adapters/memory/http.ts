import { PortError } from "../../runtime/port/error.ts";
import { BODY_LIMIT, type Handler, type Http } from "../../runtime/port/http.ts";

/** HTTP between parts of one process: a server is found by its path or address. */
export function memoryHttp(): Http {
  const servers = new Map<string, Handler>();
  let nextPort = 49_152;
  const serve = async (address: string, handler: Handler) => {
    if (servers.has(address)) throw new PortError("busy", `another pshim6 runs here: it listens on ${address}`);
    servers.set(address, handler);
    const close = async () => {
      if (servers.get(address) === handler) servers.delete(address);
    };
    return { address, close };
  };
  return {
    serveSocket: serve,
    serveAddress: (host, port, handler) => serve(`${host.includes(":") ? `[${host}]` : host}:${port === 0 ? nextPort++ : port}`, handler),
    async request(path, request) {
      const handler = servers.get(path);
      if (handler === undefined) throw new PortError("missing", `${path}: nobody listens there`);
      const body = request.body === null ? undefined : await request.arrayBuffer();
      if (body !== undefined && body.byteLength > BODY_LIMIT) return new Response(null, { status: 413 });
      // Like a real server: the client learns that it went wrong, not why.
      const failed = () => new Response(null, { status: 500 });
      const answer = async () =>
        handler(
          new Request(request.url, {
            method: request.method,
            headers: request.headers,
            signal: request.signal,
            ...(body === undefined ? {} : { body }),
          }),
        );
      return answer().catch(failed);
    },
  };
}
