/**
 * Answers one request: the shape of `fetch`, and of hono's `app.fetch`. A thrown error becomes an empty 500.
 * @param client the address that it comes from, where it came over TCP
 */
export type Handler = (request: Request, client?: string) => Response | Promise<Response>;

/** A server that listens. */
export interface Listener {
  /** Where: the socket's path, or `[::1]:8686` with the port really taken. */
  readonly address: string;
  /** Stops accepting, ends open connections, removes the socket file. Resolves when all is gone; a second call is the same. */
  close(): Promise<void>;
}

/**
 * HTTP/1.1 in both directions. What is no request is answered 400 and never seen by a handler; who takes too long to say what it wants is cut.
 * Request bodies are read whole, at most {@link BODY_LIMIT} octets (more is answered 413);
 * response bodies are streamed as they come, so server-sent events work, and are cancelled when the client goes away,
 * which also aborts `request.signal`. A response body that fails ends the connection.
 */
export interface Http {
  /**
   * Listens on the Unix socket at `path`, which only the same user may open (mode 0600). The socket file of a process that
   * died is replaced.
   * @throws {PortError} `busy` when a living process listens there: another pshim6 runs here
   */
  serveSocket(path: string, handler: Handler): Promise<Listener>;
  /**
   * Listens on `host` (an IPv6 or IPv4 address without brackets) and `port`, 0 = any free one.
   * @throws {PortError} `busy` when the port is taken, `permission`, `missing` when the address is not ours
   */
  serveAddress(host: string, port: number, handler: Handler): Promise<Listener>;
  /**
   * Sends `request` to the server behind the Unix socket `path`; host and scheme of its URL are not used.
   * @throws {PortError} `missing` when nobody listens there, `permission`, `failed`
   */
  request(path: string, request: Request): Promise<Response>;
}

/** Largest request body, octets. */
export const BODY_LIMIT = 1_048_576;
