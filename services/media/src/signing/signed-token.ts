import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * As whom a link was signed. `owner` and `moderator` open a private media too; `anyone` opens what anyone may
 * see, so it ends when its owner makes the media private.
 */
export const SIGNERS = ['anyone', 'owner', 'moderator'] as const;
export type Signer = (typeof SIGNERS)[number];

/** What a signed URL says. `expiresAt` in seconds since 1970. */
export type Grant = { mediaId: string; signer: Signer; expiresAt: number };

export type SignedToken = Grant & { keyId: string; message: Buffer; mac: Buffer };

/** Version and signer, key, media, expiry; then the first half of an HMAC-SHA256 over these. */
const VERSION = 0x10;
const [KEY_AT, MEDIA_AT, EXPIRY_AT, MAC_AT, LENGTH] = [1, 9, 25, 29, 45];
/** 45 bytes are 60 characters without a bit left over: no two texts are one token. */
const FORM = /^[\w-]{60}$/;

export function encodeToken({ mediaId, signer, expiresAt }: Grant, keyId: string, secret: Buffer): string {
  const token = Buffer.alloc(LENGTH);
  token.writeUInt8(VERSION | SIGNERS.indexOf(signer), 0);
  token.write(keyId, KEY_AT, 'hex');
  token.write(mediaId.replaceAll('-', ''), MEDIA_AT, 'hex');
  token.writeUInt32BE(expiresAt, EXPIRY_AT);
  macOf(token.subarray(0, MAC_AT), secret).copy(token, MAC_AT);
  return token.toString('base64url');
}

/** Takes a token apart; nothing in it is true yet. Undefined for what never was one. */
export function decodeToken(text: string): SignedToken | undefined {
  if (!FORM.test(text)) return undefined;
  const token = Buffer.from(text, 'base64url');
  const kind = token.readUInt8(0);
  const signer = SIGNERS[kind ^ VERSION];
  if (signer === undefined) return undefined;
  const hex = token.toString('hex', MEDIA_AT, EXPIRY_AT);
  return {
    mediaId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    signer,
    expiresAt: token.readUInt32BE(EXPIRY_AT),
    keyId: token.toString('hex', KEY_AT, MEDIA_AT),
    message: token.subarray(0, MAC_AT),
    mac: token.subarray(MAC_AT),
  };
}

/** In the same time, however much of it is right. */
export function isGenuine({ message, mac }: SignedToken, secret: Buffer): boolean {
  return timingSafeEqual(mac, macOf(message, secret));
}

function macOf(message: Buffer, secret: Buffer): Buffer {
  return createHmac('sha256', secret)
    .update(message)
    .digest()
    .subarray(0, LENGTH - MAC_AT);
}
