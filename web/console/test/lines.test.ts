import { expect, it } from 'vitest';
import { EventLines, pause } from '../src/live/lines';

const STREAM = ': hello\n\nevent: gate\nid: 7\ndata: {"gate":"G07"}\n\ndata: a\ndata: b\n\n: beat\n\n';
const WANTED = [
  { event: 'gate', data: '{"gate":"G07"}', id: '7' },
  { event: 'message', data: 'a\nb', id: '7' },
];

it('events arrive whole, however the stream is cut', () => {
  for (const size of [1, 2, 3, 5, 7, STREAM.length]) {
    const lines = new EventLines();
    const found = [];
    for (let at = 0; at < STREAM.length; at += size) found.push(...lines.take(STREAM.slice(at, at + size)));
    expect(found).toEqual(WANTED);
  }
});

it('carriage returns are line ends too, also when a piece ends between them', () => {
  const lines = new EventLines();
  expect(lines.take('event: stay\r')).toEqual([]);
  expect(lines.take('\ndata: {}\r\n\r\n')).toEqual([{ event: 'stay', data: '{}', id: null }]);
});

it('a comment is no event, and an event without data is none either', () => {
  expect(new EventLines().take(': beat\n\nevent: gate\n\n')).toEqual([]);
});

it('tries come back after one second, then later and later, never later than fifteen', () => {
  expect(pause(0, 1)).toBe(1000);
  expect(pause(0, 0)).toBe(700);
  expect(pause(3, 1)).toBe(8000);
  expect(pause(40, 1)).toBe(15_000);
});
