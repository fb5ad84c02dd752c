import { durationOf } from './findings.ts';
import { streamDuration } from './flac.ts';

/** What the first packet of a logical stream tells. */
export type Stream = {
  kind: 'audio' | 'video' | 'other';
  /** Bytes before the list of comments, in the second packet; undefined where that is none. */
  comments?: number;
  width?: number;
  height?: number;
  /** Of the stream up to a granule. */
  duration(granule: bigint): { durationMs?: number };
};

const startsWith = (packet: Buffer, text: string) => packet.toString('latin1', 0, text.length) === text;

export function streamOf(packet: Buffer): Stream {
  if (startsWith(packet, '\x80theora') && packet.length >= 42) return theora(packet);
  if (startsWith(packet, '\x01vorbis') && packet.length >= 16) {
    return sound(7, (granule) => durationOf(granule, packet.readUInt32LE(12)));
  }
  if (startsWith(packet, 'OpusHead') && packet.length >= 12) {
    return sound(8, (granule) => durationOf(granule - packet.readUInt16LE(10), 48_000));
  }
  if (startsWith(packet, '\x7fFLAC') && packet.length >= 51) {
    const told = streamDuration(packet.subarray(17, 51));
    return sound(4, (granule) =>
      told.durationMs ? told : durationOf(granule, packet.readUIntBE(27, 3) >>> 4),
    );
  }
  if (startsWith(packet, 'Speex   ') && packet.length >= 40) {
    return sound(0, (granule) => durationOf(granule, packet.readUInt32LE(36)));
  }
  return { kind: 'other', duration: () => ({}) };
}

const sound = (comments: number, duration: (granule: number) => { durationMs?: number }): Stream => ({
  kind: 'audio',
  comments,
  duration: (granule) => duration(Number(granule)),
});

/** A granule is the number of the last key frame, and of frames since. */
function theora(packet: Buffer): Stream {
  const shift = BigInt((packet.readUInt16BE(40) >>> 5) & 31);
  const [numerator, denominator] = [packet.readUInt32BE(22), packet.readUInt32BE(26)];
  return {
    kind: 'video',
    comments: 7,
    width: packet.readUIntBE(14, 3),
    height: packet.readUIntBE(17, 3),
    duration(granule) {
      const frames = Number((granule >> shift) + (granule & ((1n << shift) - 1n)));
      return durationOf(frames * denominator, numerator);
    },
  };
}
