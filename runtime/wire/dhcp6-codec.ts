/** How options are read and written: what the files of the single options share. */
import { ADDRESS_OCTETS, type Address, putAddress } from "../value/address.ts";
import { putU16, putU32 } from "../value/bytes.ts";
import { type Reject, reject } from "../value/reject.ts";
import type { Dhcp6Option } from "./dhcp6.ts";

/** Where options stand; each place knows options of its own. */
export type Dhcp6Place = "message" | "relay" | "ia-na" | "ia-ta" | "ia-pd" | "lease";

/** Reads the options inside an option. */
export type ReadOptions = (octets: Uint8Array, place: Dhcp6Place) => Dhcp6Option[] | Reject;
/** Writes the options inside an option. */
export type WriteOptions = (options: readonly Dhcp6Option[], out: OctetWriter) => void;

/** One kind of option. */
export interface Dhcp6Codec<O extends Dhcp6Option = Dhcp6Option> {
  readonly kind: O["kind"];
  readonly code: number;
  /** Whether it may stand in one place several times (RFC 8415 §21, Table 4). */
  readonly many?: true;
  /** Reads what follows code and length; keeps nothing of it. Never throws. */
  parse(octets: Uint8Array, read: ReadOptions): O | Reject;
  /** Writes what follows code and length. @throws {RangeError} for what the format cannot hold */
  emit(option: O, out: OctetWriter, write: WriteOptions): void;
}

/** Why an option was not taken; `at` is its code. */
export function badOption(code: number): Reject {
  return reject("bad-option-dhcp6", code);
}

/** The UTF-8 of a status message, and back; what is no UTF-8 is replaced. */
export const utf8 = { read: new TextDecoder("utf-8", { ignoreBOM: true }), write: new TextEncoder() };

const FIRST_ROOM = 2048;

/** Octets written one after the other into an array that grows. Used again and again: {@link taken} copies. */
export class OctetWriter {
  #octets = new Uint8Array(FIRST_ROOM);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** @throws {RangeError} for what does not fit `bits` */
  #unsigned(value: number, bits: number): void {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) throw new RangeError(`${value} does not fit ${bits} bits`);
  }

  #room(octets: number): number {
    const at = this.#length;
    this.#length += octets;
    if (this.#length > this.#octets.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#octets.subarray(0, at));
      this.#octets = larger;
    }
    return at;
  }

  u8(value: number): void {
    this.#unsigned(value, 8);
    this.#octets[this.#room(1)] = value;
  }

  u16(value: number): void {
    this.#unsigned(value, 16);
    const at = this.#room(2);
    putU16(this.#octets, at, value);
  }

  u32(value: number): void {
    this.#unsigned(value, 32);
    const at = this.#room(4);
    putU32(this.#octets, at, value);
  }

  address(value: Address): void {
    const at = this.#room(ADDRESS_OCTETS);
    putAddress(value, this.#octets, at);
  }

  octets(value: Uint8Array): void {
    const at = this.#room(value.length);
    this.#octets.set(value, at);
  }

  /** Begins an option. @returns what {@link close} wants to have */
  open(code: number): number {
    this.u16(code);
    return this.#room(2);
  }

  /** Ends the option that began there. @throws {RangeError} when it is longer than 65,535 octets */
  close(at: number): void {
    const length = this.#length - at - 2;
    this.#unsigned(length, 16);
    putU16(this.#octets, at, length);
  }

  /** Forgets everything. */
  clear(): void {
    this.#length = 0;
  }

  /** A copy of everything. */
  taken(): Uint8Array {
    return this.#octets.slice(0, this.#length);
  }
}
