import { expect, it } from 'vitest';
import { driftWords, DRIFT_LIMIT_MS, minuteWords } from '../src/clocks';
import { mayDo, maySee } from '../src/permissions';

const as = (...roles: string[]) => roles.map((role) => ({ role, scope: '*' }));

it('a clock is told by its sign, short while it is near and whole when it is far', () => {
  expect(driftWords(-420)).toBe('−0.4 s');
  expect(driftWords(95_400)).toBe('+95 s');
  expect(driftWords(null)).toBe('–');
  expect(DRIFT_LIMIT_MS).toBe(30_000);
});

it('minutes of the day are read as a clock', () => {
  expect([0, 420, 1380].map(minuteWords)).toEqual(['00:00', '07:00', '23:00']);
});

it('the guard opens and hands out, and neither counts faces nor asks for the health mode', () => {
  for (const deed of ['open-gate', 'hand-out', 'take-notice', 'see-devices', 'report-faces'] as const) expect(mayDo(as('guard'), deed)).toBe(true);
  for (const deed of ['count-faces', 'ask-health', 'answer-health'] as const) expect(mayDo(as('guard'), deed)).toBe(false);
  expect(maySee(as('guard'), 'desk')).toBe(true);
});

it('police and auditor see devices and receipts and open nothing', () => {
  for (const role of ['police', 'auditor']) {
    expect(maySee(as(role), 'passes')).toBe(true);
    expect(maySee(as(role), 'desk')).toBe(false);
    for (const deed of ['open-gate', 'hand-out', 'take-notice', 'revoke'] as const) expect(mayDo(as(role), deed)).toBe(false);
  }
});

it('the committee answers for the health mode and never asks for it', () => {
  expect(mayDo(as('committee'), 'answer-health')).toBe(true);
  expect(mayDo(as('committee'), 'ask-health')).toBe(false);
});
