// Pictures come as base64 inside of JSON. Tens of megabytes of it would hold up the page for
// as long as they take, so they are turned into bytes piece by piece.

// Characters at a time: a multiple of four, and a few milliseconds.
const PIECE = 1 << 20;

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Lets the browser draw, and the user click, before it goes on. */
function turn() {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(null);
  });
}

/** The bytes behind `base64` as a Blob of the media type `type`. */
export async function blobFromBase64(base64, type) {
  const parts = [];
  for (let at = 0; at < base64.length; at += PIECE) {
    if (at > 0) await turn();
    parts.push(bytesOf(base64.slice(at, at + PIECE)));
  }
  return new Blob(parts, {type});
}
