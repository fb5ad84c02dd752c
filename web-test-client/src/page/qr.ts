import { encode } from 'uqr';

const SVG = 'http://www.w3.org/2000/svg';

/** Light around a code, in modules, as readers want it (ISO/IEC 18004). */
const QUIET = 4;

/** A QR code as a picture, dark on light whatever the page's colours are: some readers take no other. */
export function qrCode(text: string, label: string): SVGElement {
  const { data, size } = encode(text, { ecc: 'M', border: QUIET });
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('class', 'qr');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  const path = document.createElementNS(SVG, 'path');
  const squares = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')));
  path.setAttribute('d', squares.join(''));
  svg.append(path);
  return svg;
}
