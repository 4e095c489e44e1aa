/** Looks texts up and fills them in; no framework in here, so that the tests need none either. */
import en from './en.json';
import zh from './zh-Hans.json';

export type Language = 'zh' | 'en';
type Section = keyof typeof en;
type PlainKey<S extends Section> = `${S}.${keyof (typeof en)[S] & string}`;
export type TextKey = { [S in Section]: PlainKey<S> }[Section];
export type WordSection = Section;

const TEXTS: Record<Language, Record<string, Record<string, string>>> = { en, zh };

export type Blanks = Record<string, string | number>;

/** Fills the blanks; `one night|{n} nights` takes the first half when `n` is 1. */
export function fill(text: string, blanks: Blanks = {}): string {
  const bar = text.indexOf('|');
  const form = bar < 0 ? text : String(blanks.n) === '1' ? text.slice(0, bar) : text.slice(bar + 1);
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => (name in blanks ? String(blanks[name]) : whole));
}

export function textIn(language: Language, key: TextKey, blanks?: Blanks): string {
  const [section = '', name = ''] = key.split('.', 2);
  return fill(TEXTS[language][section]?.[name] ?? key, blanks);
}

/** The words for a code the server sent; a code newer than this page is shown as itself rather than hidden. */
export function wordIn(language: Language, section: WordSection, code: string | number | null | undefined): string {
  if (code === null || code === undefined || code === '') return '';
  const words = TEXTS[language][section];
  // The gates' own vocabulary is in small letters, the server's states are in capitals.
  return words?.[String(code)] ?? words?.[String(code).toUpperCase()] ?? String(code).toLowerCase().replaceAll('_', ' ');
}

/** 中文 for any Chinese browser, else English; a stored choice wins. */
export function firstLanguage(stored: string | null, browser: readonly string[]): Language {
  if (stored === 'zh' || stored === 'en') return stored;
  return (browser[0] ?? 'zh').toLowerCase().startsWith('zh') ? 'zh' : 'en';
}
