/** Asking the running box over its Unix socket: which one, and what its answers mean. */
import type { Command } from "commander";
import { problem } from "../api/rows.ts";
import { PortError } from "../port/error.ts";
import { CONFIG_FLAG, CONFIG_HELP } from "./flags.ts";
import { Failure, type Session } from "./session.ts";

/** Where boxes have their sockets unless site.yaml says otherwise. */
export const CONTROL_DIRECTORY = "/run/pshim6";

/** Flags that say which box is meant. */
export interface BoxFlags {
  readonly config?: string;
  readonly socket?: string;
}

/** Adds the flags that say which box is meant. */
export function addBoxFlags(command: Command): Command {
  return command
    .option(CONFIG_FLAG, `${CONFIG_HELP}: they name the box's socket`)
    .option("--socket <path>", `the box's socket; without this and -c: the only one in ${CONTROL_DIRECTORY}`);
}

/** The socket of the box that `flags` mean. @throws {Failure} when it is not clear which */
export function socketOf(session: Session, flags: BoxFlags): string {
  if (flags.socket !== undefined) return flags.socket;
  if (flags.config !== undefined) return session.site(flags.config).control;
  const sockets = (session.host.files.list(CONTROL_DIRECTORY) ?? []).filter((name) => name.endsWith(".sock"));
  if (sockets.length === 1) return `${CONTROL_DIRECTORY}/${sockets[0]}`;
  if (sockets.length === 0) throw new Failure(`no box runs here: start one with "pshim6 run", or name its socket with -c or --socket`);
  throw new Failure(`several boxes run here (${sockets.join(", ")}): choose one with -c or --socket`);
}

/**
 * Sends `request` to the box behind `socket`; an answer with the status `fine` is none that refuses.
 * @throws {Failure} when nobody answers, the box refuses, or `read` does not know the answer
 */
export async function ask<Body>(
  session: Session,
  socket: string,
  request: Request,
  read: (body: unknown) => Body,
  fine?: number,
): Promise<Body> {
  const answer = await send(session, socket, request);
  const body = bodyOf(await answer.text(), socket);
  if (!answer.ok && answer.status !== fine) throw refusalOf(answer.status, body);
  try {
    return read(body);
  } catch {
    throw strange(socket);
  }
}

/** The answer to a request whose body is a stream. @throws {Failure} when nobody answers or the box refuses */
export async function askStream(session: Session, socket: string, request: Request): Promise<ReadableStream<Uint8Array>> {
  const answer = await send(session, socket, request);
  if (!answer.ok) throw refusalOf(answer.status, bodyOf(await answer.text(), socket));
  if (answer.body === null) throw strange(socket);
  return answer.body;
}

/** Nobody answers, at the moment. */
export class Silence extends Failure {}

async function send(session: Session, socket: string, request: Request): Promise<Response> {
  try {
    return await session.host.http.request(socket, request);
  } catch (error) {
    if (error instanceof PortError && error.code === "missing") throw new Silence(`no box answers at ${socket}: is it running?`);
    throw error;
  }
}

function bodyOf(text: string, socket: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(`what answers at ${socket} is no box: it does not speak JSON`);
  }
}

function refusalOf(status: number, body: unknown): Failure {
  const said = problem.safeParse(body);
  return new Failure(`the box refused: ${said.success ? said.data.detail : `HTTP status ${status}`}`);
}

function strange(socket: string): Failure {
  return new Failure(
    `the box at ${socket} answered in a form that this program does not know: it has another version, use that one's pshim6`,
  );
}
