import { expect, it } from 'vitest';
import { maskNumbers } from '../src/masking';

it('a resident number quoted in a reason is masked', () => {
  expect(maskNumbers('证件号码 510104199001011234 与姓名不符')).toBe('证件号码 510*************34 与姓名不符');
  expect(maskNumbers('号码51010419900101123X不符')).toBe('号码510*************3X不符');
});

it('an old fifteen-digit number is masked', () => {
  expect(maskNumbers('510104900101123')).toBe('510**********23');
});

it('passports, permits and phones are masked', () => {
  expect(maskNumbers('passport E12345678 refused')).toBe('passport E******78 refused');
  expect(maskNumbers('permit H0012345601')).toBe('permit H********01');
  expect(maskNumbers('call 13800138000')).toBe('call 138******00');
});

it('codes, times, receipts and what is masked already stay readable', () => {
  for (const text of ['E1131', '502', '2025-06-30 12:00', 'LY202511240001938', 'D08-2-802', '510***********12', 'stay_01J00000000000000000001234']) {
    expect(maskNumbers(text)).toBe(text);
  }
});

it('nothing is shown as nothing', () => {
  expect(maskNumbers(null)).toBe('');
  expect(maskNumbers(undefined)).toBe('');
});
