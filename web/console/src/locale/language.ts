/** The language of the page: one reactive choice, remembered in this browser. */
import { computed, ref, watchEffect } from 'vue';
import type { Words } from '../api/shapes';
import { firstLanguage, textIn, wordIn, type Blanks, type Language, type TextKey, type WordSection } from './texts';

const STORED_AS = 'linli.language';

function stored(): string | null {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null; // Storage may be forbidden; the browser's language will do.
  }
}

export const language = ref<Language>(firstLanguage(stored(), navigator.languages));

export function switchLanguage(): void {
  language.value = language.value === 'zh' ? 'en' : 'zh';
  try {
    localStorage.setItem(STORED_AS, language.value);
  } catch {
    // Not remembered, but switched.
  }
}

watchEffect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-Hans' : 'en';
});

export const t = (key: TextKey, blanks?: Blanks): string => textIn(language.value, key, blanks);
export const word = (section: WordSection, code: string | number | null | undefined): string =>
  wordIn(language.value, section, code);

/** The server's own sentence in the reader's language. */
export const said = (words: Words | null | undefined): string => words?.[language.value] || words?.zh || words?.en || '';

const numbers = computed(() => new Intl.NumberFormat(language.value === 'zh' ? 'zh-CN' : 'en-GB'));
export const count = (n: number | null | undefined): string => (n === null || n === undefined ? '–' : numbers.value.format(n));

