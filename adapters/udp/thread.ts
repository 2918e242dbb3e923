import process from "node:process";
import { setImmediate } from "node:timers";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { PortError } from "../../runtime/port/error.ts";
import type { UdpAnswerOptions } from "../../runtime/port/udp.ts";
import type { Libc } from "../common/libc.ts";
import { errnoName } from "../linux/errno.ts";
import { EFD_CLOEXEC, EFD_NONBLOCK, EVENTFD_OCTETS } from "../linux/file.ts";
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN, epollLayout } from "../linux/udp.ts";
import {
  ANSWERED,
  type AnswerMessage,
  BELL,
  CLOSES,
  CLOSES_PUT,
  CONTROL_WORDS,
  DROPPED_FULL,
  SOCKETS_MAX,
  STOP,
  type UdpMessage,
  type UdpWork,
  WAKE,
  WAKE_SOCKET,
} from "./message.ts";
import { RECORD_SOCKET, RING_OCTETS, Ring } from "./ring.ts";

/** One socket's side of what a thread received. */
export interface Sink {
  /** The record at `at` of the ring. */
  take(ring: Ring, at: number): void;
  /** After the last record of a turn. */
  settled(): void;
  close(): void;
}

/** What a thread is made of. */
export interface ThreadParts {
  readonly libc: Libc;
  readonly entry: URL;
  /** For a thread that answers. */
  readonly answers: UdpAnswerOptions | undefined;
  /** At the end of each turn in which datagrams were handed over. */
  settled(): void;
  /** The thread ended by itself, after it had started. */
  failed(error: Error): void;
}

/** Datagrams handed over before the event loop gets its turn again. */
const RECORDS_A_TURN = 256;
/** Linux counts socket numbers in 32 bits here; 0 is the eventfd's. */
const LAST_NUMBER = 0xffff_ffff;

/** A thread that receives for many sockets, as the main thread sees it. */
export class ReceiveThread {
  readonly #parts: ThreadParts;
  readonly #control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));
  readonly #closes = new Int32Array(new SharedArrayBuffer(4 * CLOSES));
  readonly #one = new SharedArrayBuffer(EVENTFD_OCTETS);
  readonly #ring: Ring;
  readonly #layout = epollLayout(process.arch);
  readonly #sinks = new Map<number, Sink>();
  readonly #work: UdpWork;
  readonly #answers: MessagePort | undefined;
  #worker: Worker | undefined;
  #ready: Promise<void> | undefined;
  #finished: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #next = WAKE_SOCKET + 1;
  #drainWaits = false;

  /** Opens what the thread waits on. @throws {PortError} `failed` */
  constructor(parts: ThreadParts) {
    const { libc, answers } = parts;
    this.#parts = parts;
    new BigUint64Array(this.#one)[0] = 1n;
    const ring = new SharedArrayBuffer(RING_OCTETS);
    const epoll = libc.epollCreate(EPOLL_CLOEXEC);
    const wake = libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (epoll < 0 || wake < 0) {
      const why = errnoName(libc.errno());
      for (const fd of [epoll, wake]) if (fd >= 0) libc.close(fd);
      throw new PortError("failed", `no epoll or eventfd for UDP: ${why}`);
    }
    const channel = answers === undefined ? undefined : new MessageChannel();
    this.#answers = channel?.port1;
    this.#work = {
      kind: "pshim6-udp",
      epoll,
      wake,
      control: this.#control.buffer,
      ring,
      closes: this.#closes.buffer,
      answers: answers === undefined || channel === undefined ? undefined : { options: answers, port: channel.port2 },
    };
    this.#ring = new Ring(ring, this.#control, "reader");
    this.#poll(EPOLL_CTL_ADD, wake, WAKE_SOCKET);
  }

  /** Starts the worker, the first time. @throws {PortError} `failed` when it cannot start */
  start(): Promise<void> {
    this.#ready ??= this.#open();
    return this.#ready;
  }

  get sockets(): number {
    return this.#sinks.size;
  }

  /** Counters of the thread, by name; nothing that is 0. */
  totals(): Map<string, number> {
    const totals = new Map<string, number>();
    for (const [name, word] of [
      ["out-answered-udp", ANSWERED],
      ["drop-full-udp", DROPPED_FULL],
    ] as const) {
      const count = this.#control[word] >>> 0;
      if (count > 0) totals.set(name, count);
    }
    return totals;
  }

  /** From now on `sink` gets what `fd` receives. @returns the socket's number @throws {PortError} `busy`, `failed` */
  add(fd: number, sink: Sink): number {
    if (this.#sinks.size >= SOCKETS_MAX) throw new PortError("busy", `more than ${SOCKETS_MAX} UDP sockets are open`);
    const number = this.#next;
    this.#next = number === LAST_NUMBER ? WAKE_SOCKET + 1 : number + 1;
    if (this.#poll(EPOLL_CTL_ADD, fd, number) < 0)
      throw new PortError("failed", `no epoll for a UDP socket: ${errnoName(this.#parts.libc.errno())}`);
    this.#sinks.set(number, sink);
    if (this.#sinks.size === 1) this.#worker?.ref();
    return number;
  }

  /** The thread closes `fd`; its sink hears nothing more. */
  remove(number: number, fd: number): void {
    if (!this.#sinks.delete(number)) return;
    this.#poll(EPOLL_CTL_DEL, fd, number);
    if (this.#stopped !== undefined) {
      this.#parts.libc.close(fd);
      return;
    }
    const put = this.#control[CLOSES_PUT];
    this.#closes[put & (CLOSES - 1)] = fd;
    Atomics.store(this.#control, CLOSES_PUT, (put + 1) | 0);
    this.#wake();
    // The program may end while nothing is open.
    if (this.#sinks.size === 0) this.#worker?.unref();
  }

  /** Tells the answering thread. */
  teach(message: AnswerMessage): void {
    if (this.#stopped !== undefined) return;
    this.#answers?.postMessage(message);
    this.#wake();
  }

  /** Ends the thread and closes every socket. */
  stop(): Promise<void> {
    this.#stopped ??= this.#shutDown();
    return this.#stopped;
  }

  async #shutDown(): Promise<void> {
    // A worker that waits in a system call would not hear of its end otherwise.
    this.#worker?.ref();
    Atomics.store(this.#control, STOP, 1);
    this.#wake(true);
    await this.#finished;
    await this.#worker?.terminate();
    this.#answers?.close();
    for (const sink of this.#sinks.values()) sink.close();
    for (const fd of [this.#work.epoll, this.#work.wake]) this.#parts.libc.close(fd);
  }

  #wake(always = false): void {
    if (Atomics.exchange(this.#control, WAKE, 1) === 1 && !always) return;
    this.#parts.libc.onMemory(this.#one).write(this.#work.wake, 0, EVENTFD_OCTETS);
  }

  #poll(operation: number, fd: number, number: number): number {
    const event = new Uint8Array(this.#layout.octets);
    const view = new DataView(event.buffer);
    view.setUint32(0, EPOLLIN, true);
    view.setUint32(this.#layout.data, fd, true);
    view.setUint32(this.#layout.data + 4, number, true);
    return this.#parts.libc.epollControl(this.#work.epoll, operation, fd, event);
  }

  #open(): Promise<void> {
    const options = {
      workerData: this.#work,
      name: "pshim6-udp",
      transferList: this.#work.answers === undefined ? [] : [this.#work.answers.port],
    } as ConstructorParameters<typeof Worker>[1];
    const worker = new Worker(this.#parts.entry, options);
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      let finish: () => void = () => undefined;
      this.#finished = new Promise((done) => {
        finish = done;
      });
      let state: "starting" | "running" | "over" = "starting";
      const end = (error: string | undefined) => {
        const fault = new PortError("failed", `the UDP thread ended: ${error ?? "it died"}`);
        if (state === "running" && this.#stopped === undefined) this.#parts.failed(fault);
        state = "over";
        finish();
        reject(fault);
      };
      worker.on("message", (message: UdpMessage) => {
        if (message.kind === "ready") {
          state = "running";
          resolve();
        } else if (message.kind === "ended") end(message.error);
        else {
          Atomics.store(this.#control, BELL, 0);
          if (!this.#drainWaits) this.#drain();
        }
      });
      worker.on("error", (error: Error) => end(error.message));
      worker.on("exit", () => end(undefined));
    });
  }

  #drain(): void {
    this.#drainWaits = false;
    const heard = new Set<Sink>();
    let taken = 0;
    for (; taken < RECORDS_A_TURN; taken++) {
      const at = this.#ring.peek();
      if (at < 0) break;
      const sink = this.#sinks.get(this.#ring.words[(at + RECORD_SOCKET) >> 2]);
      if (sink !== undefined) {
        heard.add(sink);
        sink.take(this.#ring, at);
      }
      this.#ring.release(at);
    }
    for (const sink of heard) sink.settled();
    this.#parts.settled();
    if (taken < RECORDS_A_TURN) return;
    this.#drainWaits = true;
    setImmediate(() => this.#drain());
  }
}
