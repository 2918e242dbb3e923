/** {@link TcpPort} over node:net. */
import { createServer, connect as netConnect, type Socket } from "node:net";
import type { TcpConnection, TcpHandlers, TcpPort } from "../../runtime/port/tcp.ts";

export const tcpPort: TcpPort = {
  listen: (address, port, accept) =>
    new Promise((resolve, refuse) => {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => attach(socket, accept));
      server.once("error", refuse);
      server.listen(port, address, () => {
        const bound = server.address();
        resolve({
          port: typeof bound === "object" && bound !== null ? bound.port : port,
          close: () => {
            server.close();
          },
        });
      });
    }),

  connect: (address, port, timeout, open) =>
    new Promise((resolve, refuse) => {
      const socket = netConnect({ host: address, port, family: 6, allowHalfOpen: true, noDelay: true });
      const timer = setTimeout(() => socket.destroy(new Error(`no answer from [${address}]:${port} within ${timeout} ms`)), timeout);
      socket.once("error", (error) => {
        clearTimeout(timer);
        refuse(error);
      });
      socket.once("connect", () => {
        clearTimeout(timer);
        resolve(attach(socket, open));
      });
    }),
};

function attach(socket: Socket, open: (connection: TcpConnection) => TcpHandlers): TcpConnection {
  const connection: TcpConnection = {
    remote: socket.remoteAddress ?? "",
    write: (bytes) => socket.write(bytes),
    end: () => {
      socket.end();
    },
    close: () => {
      socket.destroy();
    },
  };
  const handlers = open(connection);
  let why: string | undefined;
  socket.on("data", (bytes: Uint8Array) => handlers.data(bytes));
  socket.on("drain", () => handlers.drain());
  socket.on("end", () => handlers.end());
  socket.on("error", (error) => {
    why = error.message;
  });
  socket.on("close", () => handlers.closed(why));
  return connection;
}
