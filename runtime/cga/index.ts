/** CGA and HBA: make, verify, sign. */
export { emitRsaKey, type RsaPublicKey, readRsaKey } from "./der.ts";
export {
  type Cga,
  type CgaRequest,
  CollisionError,
  expectedTries,
  finish,
  generateCga,
  type ModifierSearch,
  SEARCH_SLICE,
  searchModifier,
} from "./generate.ts";
export { formAddress, hash1, hash1With, hash2, hash2Holds, SEC_LIMIT, secOf } from "./hash.ts";
export { fillerKey, generateHba, type HbaRequest, hbaMembers, type Proofs, proofsOf } from "./hba.ts";
export {
  EXTENSION_MULTI_PREFIX,
  EXTENSION_PUBLIC_KEY,
  type Extension,
  emitPds,
  MODIFIER_OCTETS,
  type MultiPrefix,
  multiPrefixExtension,
  multiPrefixOf,
  type Pds,
  parsePds,
  prefixOf,
  publicKeyExtension,
  readMultiPrefix,
  SIGNING_KEYS_LIMIT,
  signingKeys,
  subnetPrefixOf,
} from "./pds.ts";
export {
  RSA_BITS_DEFAULT,
  RSA_BITS_LIMIT,
  RSA_BITS_MINIMUM,
  SHIM6_TYPE_TAG,
  signedOctets,
  signLocatorList,
  verifyLocatorList,
} from "./signature.ts";
export { boxOf, createVerifier, VERIFIER_CAPACITY, type Verifier } from "./verifier.ts";
export { verifyCga, verifyHba } from "./verify.ts";
