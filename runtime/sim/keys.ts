/**
 * Keys of the simulated sites: RSA-1024, PKCS#8 DER in Base64. They are public and protect nothing; being fixed makes signatures,
 * and with them every octet on the simulated wires, the same in every process and on every runtime.
 */
const KEYS: readonly string[] = [
  [
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAKxgouGdDbc2NXNByQhXRzvbVb50Wr8lvhrvzS2HhwUmjTuGaJQwXyULxfFn73lgEvSEYVDEb5Kv",
    "SGppt/M0ARlLofqh8FKG8zqSJ1L/18JwPKhmuVXtsQHgyBK6uRFTjVMtNyKXdRx4Ft88ne8quZ4bT6SICixHPI+oxsuSEzr7AgMBAAECgYAXrA2yPgcsKd2dPmOF",
    "Kbc2mSBlT0VHCr/YoyXiIsKACpNKoWKrNxlZ1QwR4twYJwFzYtqaZN+NnVSsiGgilfmwbefvx+wuaviS5uTIb+3S6rZD4o2k55x+kjEeddRnD1MY0pEFL3A5+7Bo",
    "wtRSNB7lIqOt3Pk8lr1v6hDuG9bJQQJBANMa2M/coZ5GHZaitY4JKIH2Iai96Db8eUmTlvANLQGk44HklN6uCfVs/FXCIt87nYygv4ecAehWY5uojqw7rscCQQDR",
    "CVwULtE+8s5Dbz5rfCUt9RnygQTjfm1SQ7YTaGV3KmxShfz7wKkKcjx3cHnoPyk/A/xr3LaLq4BCzBXZpG4tAkAensxICjafIIh2Kw+ulIF9qFflg/ZE04Y8N94y",
    "35ZhoKsnUiKN0iy7np1TSx+Hxbvqg/6ECwrzymQUVfSr4tRNAkEAt+CE19grBjVtjVIg1UnaJqgREAm/9CG1JoUbd80AXCe8K4djd00NJXxBhksxYUOWE7F87KC1",
    "Dv1okNmXauDCbQJBAIBKOdVwirVtY46xg/5QL22g30ltNSCwX1qfV5LOF0jTdtINzGuMzJuJEYREQ6ZuLnzeLeYen46GzDxm2iu1Otw=",
  ].join(""),
  [
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAJ04qf0Y3s4xNx/6hADvqbzjceYgNmwMNSZ0aO4TRqaHqxCr666zbOeXOhc/xt6jZ4KPgy85BYpo",
    "DzJnmPMfwvy93GNEXV3Ejz0T2Wd2q9EPXMdtI0qSKA/G+mOIhFjtD3kBM7p6eC6BTi/pXZr4NVgwCmOlZpopeTOfzIf01oxLAgMBAAECgYBRKNofjEIgAKnrOSAB",
    "d7aQinzWhdRyLE8Xnco48/xppOk6vvT4Byl118wmCkc30PRzInBe5Tml/Be0NmRvRPsbPCRyH8lyUTv0gt5vdHmu8CVjJG1n/bE4SPBdWJfnnsZSrZ7epTvtbm/3",
    "vtnsw+sTj+2uVx7d56Cg8RxZxlZQaQJBAMuiJSZ1+0pxHTfDVpAtFUck8pSwOfecgNtt90RrMMKDXUIsZf86Cdn3x0XGY0q8Y9PWJQ3kHMJ2UCLVZGhb0N8CQQDF",
    "pw/feqkviucAnsT5OO6iQHp1dBkvF4DEwUqjcs1EFiCiis4XHI5BnGrfZyeXYMJVpEHTD4YbuRFoJXMtzNYVAkAbLAq7BBlBCLD2ZOljGbDyKlr4Pj+t68NCBH1v",
    "MsJx4ieKkfQWR39TB34esGdFbLgBZ1zQarTvuevdig344u+PAkEAwEjHo2UEZNEf7DWJcN+XIFfUCqHYwjx+NGvK/fn4ga15MEgTON658lCGlDIZjSY/yOtUck1e",
    "7Wd87LHKPJtTBQJASdClZmchwE9BVEd8eCqPT+l8vtolaD9WOr6rdn6XUvxWqpEDrLYWHupz47E2tZwK5Gn8IA4//m3QQJwWuPG0sw==",
  ].join(""),
  [
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAPuFPIIOovFBf9oSCzEvE24Br5/4ExGEj/E3xUrz+xVEFNBpUXQf35y0T6cuG/KH0s/tW0Jc91pY",
    "q660KDMEeUTfcIXsgWeSvmOewZ01Da4IK78WggtuCU6XVxQ9fO+GVJb0SUYHPo/xLpyGnlOT4ud69NFv6FHFvZ9QS5T5n5trAgMBAAECgYEA19YTAYxr2Voay9i2",
    "EAPUyY7a1gy82EiIeTghrttFuI8OyXXHNz5u1nuI6u7PfsV9a37E1GMQxE/ZK/dfk8AgCv2qmjwGm85IZAtgPo0yz6Xpjpgp3eEN3A5lat2iKdl2qCB2B3TwSQuu",
    "kQbBKlaOqnhwMikmUhFsD1/GI7dz5IkCQQD/kO6oXhY6S8jP+sjmH9MK+G7sQCqd82UzgY/hrSLxbaY3fE30PfFLvMv7o33CoKdimuIYObG6B4ULApioSNvPAkEA",
    "+/KLvgATsZWFiYtB80qHwvO80paXOb0dg4cI51EXjN2TAI1Lx/fpbBGBNGCLcrWLF+p0JUQ68myksqBawDfhpQJAVz2+erNDmzrrnjPaCNSsUn5kPznYUnsX/PEp",
    "kLxtxUTNDPveEJZknJoieBBjieEVws9khyiKxxpyDEQioK/eeQJAGMzIKpyxU5KnQWG+zSbx9COv237NRfaymAbLvpFB4zDQToaaBgYGKQgUEsbKEzGBjooagqyT",
    "rNc64wZbyH33rQJBAJgzj1HPQngEXlaeeACJbFMIDPgrK+uUX3bxCzCOPOxe0Sqf1tdTTythVWk6peGAzEEHYBnFe2RY8+5F3UXODTQ=",
  ].join(""),
];

/** How many keys there are. */
export const KEY_COUNT = KEYS.length;

/** Key number `index`, in a new array. */
export function testKey(index: number): Uint8Array {
  return Uint8Array.from(atob(KEYS[index]), (character) => character.charCodeAt(0));
}
