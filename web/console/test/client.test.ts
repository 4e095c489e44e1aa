import { afterEach, expect, it, vi } from 'vitest';
import { call, cookie, onceKey, onSignedOut, Problem, problemFrom, withQuery } from '../src/api/client';

afterEach(() => vi.unstubAllGlobals());

const answers = (status: number, body: string, headers: Record<string, string> = {}): Response => new Response(body, { status, headers });

it('empty filters are left out of the address, and odd ones are escaped', () => {
  expect(withQuery('/api/stays', { state: '', kind: undefined, q: '王 & <b>', page: 2 })).toBe('/api/stays?q=%E7%8E%8B+%26+%3Cb%3E&page=2');
  expect(withQuery('/api/stays', {})).toBe('/api/stays');
});

it('the CSRF cookie is found among others', () => {
  expect(cookie('csrftoken', 'a=b; csrftoken=x%3Dy; sessionid=z')).toBe('x=y');
  expect(cookie('csrftoken', '')).toBeNull();
});

it('a key is made for each intention', () => {
  expect(onceKey()).toMatch(/^[0-9a-f]{32}$/);
  expect(onceKey()).not.toBe(onceKey());
});

it('a problem document keeps its code, words, field and wait', async () => {
  const problem = await problemFrom(answers(429, JSON.stringify({ code: 'locked_out', message: { zh: '锁', en: 'locked' }, field: 'password' }), { 'Retry-After': '30' }));
  expect(problem).toMatchObject({ status: 429, code: 'locked_out', words: { en: 'locked' }, field: 'password', waitSeconds: 30 });
});

it('a proxy’s page of HTML is a problem too', async () => {
  expect(await problemFrom(answers(502, '<html>'))).toMatchObject({ status: 502, code: 'http_502', words: null, details: {} });
});

it('a change carries the CSRF header and its key', async () => {
  const fetching = vi.fn().mockResolvedValue(answers(200, '{"ok":true}'));
  vi.stubGlobal('fetch', fetching);
  vi.stubGlobal('document', { cookie: 'csrftoken=t0k' });
  await call('POST', '/api/bookings', { body: { a: 1 }, onceKey: 'k' });
  expect(fetching.mock.calls[0]?.[1]).toMatchObject({ method: 'POST', body: '{"a":1}', headers: { 'X-CSRFToken': 't0k', 'Idempotency-Key': 'k' }, credentials: 'same-origin' });
});

it('no network is a problem with a name, and an ended session is told to the page', async () => {
  const ended = vi.fn();
  onSignedOut(ended);
  vi.stubGlobal('fetch', vi.fn().mockRejectedValueOnce(new TypeError('offline')).mockResolvedValueOnce(answers(401, '{}')));
  await expect(call('GET', '/api/gates')).rejects.toMatchObject({ status: 0, code: 'unreachable' });
  expect(ended).not.toHaveBeenCalled();
  await expect(call('GET', '/api/gates')).rejects.toBeInstanceOf(Problem);
  expect(ended).toHaveBeenCalledOnce();
});
