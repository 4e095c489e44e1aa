import { expect, it } from 'vitest';
import en from '../src/locale/en.json';
import zh from '../src/locale/zh-Hans.json';
import { fill, firstLanguage, textIn, wordIn } from '../src/locale/texts';

const flat = (texts: Record<string, Record<string, string>>): Map<string, string> =>
  new Map(Object.entries(texts).flatMap(([section, words]) => Object.entries(words).map(([name, text]) => [`${section}.${name}`, text] as const)));
const blanks = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? ''))].sort();

it('every text exists in both languages, with the same blanks', () => {
  const [english, chinese] = [flat(en), flat(zh)];
  expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort());
  for (const [key, text] of english) {
    expect(text.trim(), key).not.toBe('');
    expect(blanks(chinese.get(key) ?? ''), key).toEqual(blanks(text));
  }
});

it('every reason a gate can give has words', () => {
  const reasons = [
    'FIRE', 'EXIT', 'GUARD_OPENED', 'REMOTE_OPENED', 'UNREADABLE', 'UNKNOWN_KEY', 'FORGED', 'REVOKED', 'SUSPENDED', 'NOT_ON_LIST', 'NOT_YET', 'EXPIRED',
    'WRONG_DOOR', 'STALE_CODE', 'REPLAYED', 'SNAPSHOT_TOO_OLD', 'CLOCK_UNSURE', 'OK',
    'UNNAMED', 'WAY_CLOSED', 'TOO_MANY_TRIES', 'UNKNOWN_CREDENTIAL', 'OUTSIDE_HOURS', 'USES_EXHAUSTED', 'STILL_INSIDE', 'FULL', 'TEMPERATURE', 'HEALTH_CODE',
    'HEALTH_UNREAD', 'JOURNAL_FAILED', 'DOOR_FAILED', 'STRIKE_UNCONFIRMED', 'RELEASED', 'REFUSED_BY_DEVICE', 'ALARM', 'ALARM_OVER',
  ];
  expect(reasons.filter((reason) => !(reason in en.reason))).toEqual([]);
});

it('one is singular, anything else plural', () => {
  expect(textIn('en', 'tonight.nights', { n: 1 })).toBe('1 night');
  expect(textIn('en', 'tonight.nights', { n: 3 })).toBe('3 nights');
  expect(textIn('zh', 'tonight.nights', { n: 1 })).toBe('1 晚');
});

it('a blank nobody filled stays visible rather than saying undefined', () => {
  expect(fill('{n} of {m}', { n: 0 })).toBe('0 of {m}');
});

it('a code newer than this page is shown as itself', () => {
  expect(wordIn('en', 'reason', 'PALM_UNKNOWN')).toBe('palm unknown');
  expect(wordIn('zh', 'reason', 'EXPIRED')).toBe('通行证已过期');
  expect(wordIn('zh', 'reason', null)).toBe('');
});

it('a stored language wins over the browser’s, and Chinese browsers get Chinese', () => {
  expect(firstLanguage('en', ['zh-CN'])).toBe('en');
  expect(firstLanguage(null, ['zh-TW', 'en'])).toBe('zh');
  expect(firstLanguage('klingon', ['de-DE'])).toBe('en');
  expect(firstLanguage(null, [])).toBe('zh');
});
