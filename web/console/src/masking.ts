/**
 * A last line of defence: the server masks, and what it forgets is masked again before it reaches the page.
 * A platform's free-text reason may quote the number it disliked.
 */
const RESIDENT_ID = /(?<![0-9A-Za-z])\d{6}(?:\d{8})?\d{3}[0-9Xx](?![0-9A-Za-z])|(?<![0-9A-Za-z])\d{15}(?![0-9A-Za-z])/g;
const PERMIT = /(?<![0-9A-Za-z_])[A-Z]{1,2}\d{7,10}(?![0-9A-Za-z])/g;
const PHONE = /(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])/g;

const shorten = (found: string, head: number, tail: number): string =>
  `${found.slice(0, head)}${'*'.repeat(Math.max(4, found.length - head - tail))}${found.slice(-tail)}`;

export function maskNumbers(text: string | null | undefined): string {
  if (!text) return '';
  return text
    .replace(RESIDENT_ID, (found) => (found.length >= 15 ? shorten(found, 3, 2) : found))
    .replace(PERMIT, (found) => shorten(found, 1, 2))
    .replace(PHONE, (found) => shorten(found, 3, 2));
}
