/**
 * Makes cluster keys: the secret that every member of a closed cluster holds. It never reads or stores one.
 */
import { generateKey } from '@libp2p/pnet'

/** Bytes of a key file: two header lines and 32 bytes in hexadecimal. */
const keyFileBytes = 95

/** The content of a key file, `/key/swarm/psk/1.0.0/…`; write it as it is, readable by the daemon alone. */
export function generateClusterKey(): Uint8Array {
  const content = new Uint8Array(keyFileBytes)
  generateKey(content)
  return content
}
