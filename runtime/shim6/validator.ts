/**
 * Responder Validators (RFC 5533 §5.15.1, §7.10.1, §7.17.1): the responder recognises its own R1 or R1bis in the I2 or I2bis
 * that answers it, without having kept anything. The Responder Nonce is a tick of one second, so the age shows.
 */
import { type Locator, putAddress, type Ulid } from "../value/address.ts";
import { putU32, putU48 } from "../value/bytes.ts";
import type { ContextTag } from "../value/tag.ts";
import type { Millis } from "../value/time.ts";
import { SECRET_LIFETIME, VALIDATOR_LIFETIME_SECONDS, VALIDATOR_OCTETS } from "./constants.ts";
import type { Shim6World } from "./contract.ts";
import type { Draw } from "./draw.ts";

const PURPOSE_I2 = 0x01;
const PURPOSE_I2BIS = 0x02;
const RENEWAL_LABEL = 0x03;

/** What an R1 binds; the same fields come back with I2. */
export interface Attempt {
  readonly initiatorTag: ContextTag;
  readonly initiator: Ulid;
  readonly responder: Ulid;
  readonly initiatorLocator: Locator;
  readonly responderLocator: Locator;
  readonly fork: number;
}

/** What an R1bis binds; the same fields come back with I2bis. */
export interface Loss {
  readonly packetTag: ContextTag;
  readonly initiatorLocator: Locator;
  readonly responderLocator: Locator;
}

/** What R1 and R1bis send and I2 and I2bis give back. */
export interface Challenge {
  readonly responderNonce: number;
  readonly validator: Uint8Array;
}

/** Makes and recognises the validators of one responder. The secret never leaves it. */
export class Validators {
  readonly #hmac: Shim6World["hmac"];
  #secret: Uint8Array;
  #previous: Uint8Array | undefined;
  #renewAt: Millis | undefined;
  /** Tick of the last renewal: validators up to it may be of the previous secret. */
  #renewedTick = 0;

  /** @param secret 32 octets, copied */
  constructor(secret: Uint8Array, hmac: Shim6World["hmac"]) {
    this.#secret = secret.slice();
    this.#hmac = hmac;
  }

  /** Replaces the secret when it has served its time. Called at the start of a step. */
  renew(now: Millis, draw: Draw): void {
    this.#renewAt ??= now + SECRET_LIFETIME;
    if (now < this.#renewAt) return;
    this.#previous = this.#secret;
    this.#secret = draw.renew(this.#secret, RENEWAL_LABEL);
    this.#renewAt = now + SECRET_LIFETIME;
    this.#renewedTick = tick(now);
  }

  forR1(attempt: Attempt, now: Millis): Challenge {
    return this.#challenge(attemptOctets(attempt, tick(now)), now);
  }

  forR1bis(loss: Loss, now: Millis): Challenge {
    return this.#challenge(lossOctets(loss, tick(now)), now);
  }

  /** Whether we made `validator` for this attempt, not longer ago than VALIDATOR_LIFETIME_SECONDS. */
  acceptsI2(attempt: Attempt, { responderNonce, validator }: Challenge, now: Millis): boolean {
    return isRecent(responderNonce, now) && this.#made(attemptOctets(attempt, responderNonce), responderNonce, validator);
  }

  acceptsI2bis(loss: Loss, { responderNonce, validator }: Challenge, now: Millis): boolean {
    return isRecent(responderNonce, now) && this.#made(lossOctets(loss, responderNonce), responderNonce, validator);
  }

  #challenge(octets: Uint8Array, now: Millis): Challenge {
    return { responderNonce: tick(now), validator: this.#hmac(this.#secret, octets).slice(0, VALIDATOR_OCTETS) };
  }

  #made(octets: Uint8Array, responderNonce: number, validator: Uint8Array): boolean {
    if (validator.length !== VALIDATOR_OCTETS) return false;
    if (sameSecret(this.#hmac(this.#secret, octets), validator)) return true;
    const older = ((this.#renewedTick - responderNonce) | 0) >= 0;
    return this.#previous !== undefined && older && sameSecret(this.#hmac(this.#previous, octets), validator);
  }
}

function tick(now: Millis): number {
  return Math.floor(now / 1000) >>> 0;
}

/** Ticks of the future wrap around to a great age. */
function isRecent(responderNonce: number, now: Millis): boolean {
  return (tick(now) - responderNonce) >>> 0 <= VALIDATOR_LIFETIME_SECONDS;
}

/** Whether the first 20 octets are the same, in a time that does not depend on where they differ. */
function sameSecret(made: Uint8Array, given: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < VALIDATOR_OCTETS; i++) difference |= made[i] ^ given[i];
  return difference === 0;
}

/** 0x01 ‖ nonce ‖ tag as u64 ‖ ULIDs ‖ locators ‖ fork (shim6-wire §7). The Initiator Nonce is left out: that of I2 may differ from that of I1 (§7.11). */
function attemptOctets(attempt: Attempt, nonce: number): Uint8Array {
  const octets = new Uint8Array(81);
  octets[0] = PURPOSE_I2;
  putU32(octets, 1, nonce);
  putU48(octets, 7, attempt.initiatorTag);
  putAddress(attempt.initiator, octets, 13);
  putAddress(attempt.responder, octets, 29);
  putAddress(attempt.initiatorLocator, octets, 45);
  putAddress(attempt.responderLocator, octets, 61);
  putU32(octets, 77, attempt.fork);
  return octets;
}

/** 0x02 ‖ nonce ‖ tag as u64 ‖ locators (shim6-wire §7). */
function lossOctets(loss: Loss, nonce: number): Uint8Array {
  const octets = new Uint8Array(45);
  octets[0] = PURPOSE_I2BIS;
  putU32(octets, 1, nonce);
  putU48(octets, 7, loss.packetTag);
  putAddress(loss.initiatorLocator, octets, 13);
  putAddress(loss.responderLocator, octets, 29);
  return octets;
}
