import { PortError } from "../../runtime/port/error.ts";
import type { UdpAnswerOptions, UdpAnswers, UdpHandlers, UdpOptions, UdpPort, UdpSocket } from "../../runtime/port/udp.ts";
import type { Libc } from "../common/libc.ts";
import { Sender } from "./send.ts";
import { openSocket } from "./socket.ts";
import { ReceiveThread } from "./thread.ts";

/** What the port is made of. */
export interface UdpParts {
  readonly libc: Libc;
  /** The file that a thread starts with: it calls `serveDatagrams` when `udpWork` finds work. */
  readonly entry: URL;
  /** A thread ended by itself: its sockets are deaf. */
  failed(error: Error): void;
}

/** UDP by the C library. No thread is started and nothing is opened before the first socket. */
export function openUdpPort({ libc, entry, failed }: UdpParts): UdpPort {
  const sender = new Sender(libc);
  const threads = new Map<UdpAnswers | undefined, ReceiveThread>();
  let closed: Promise<void> | undefined;
  const check = (): void => {
    if (closed !== undefined) throw new PortError("closed", "UDP was closed");
  };
  const start = (key: UdpAnswers | undefined, answers?: UdpAnswerOptions): ReceiveThread => {
    const thread = new ReceiveThread({ libc, entry, answers, failed, settled: () => sender.flush() });
    threads.set(key, thread);
    return thread;
  };
  return {
    async open(options: UdpOptions, handlers: UdpHandlers): Promise<UdpSocket> {
      check();
      const thread = threads.get(options.answers) ?? (options.answers === undefined ? start(undefined) : undefined);
      if (thread === undefined) throw new PortError("closed", "these UDP answers were closed");
      await thread.start();
      check();
      return openSocket({ libc, thread, sender }, options, handlers);
    },
    async openAnswers(options) {
      const answers: UdpAnswers = {
        put: (entry) => thread.teach({ put: entry }),
        clear: () => thread.teach({ clear: true }),
        totals: () => thread.totals(),
        close() {
          threads.delete(answers);
          return thread.stop();
        },
      };
      check();
      const thread = start(answers, options);
      try {
        await thread.start();
      } catch (error) {
        await answers.close();
        throw error;
      }
      return answers;
    },
    totals: () => threads.get(undefined)?.totals() ?? new Map<string, number>(),
    close() {
      closed ??= Promise.all([...threads.values()].map((thread) => thread.stop())).then(() => undefined);
      return closed;
    },
  };
}
