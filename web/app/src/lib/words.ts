/** The two languages: every sentence by its key, and the one the guest has chosen. */

import { ref } from 'vue'
import en from '@locale/app.en.json'
import zh from '@locale/app.zh-Hans.json'
import type { Bilingual } from '@/api/shapes'
import { Problem } from '@/api/problem'
import { keepLanguage, keptLanguage } from './memory'

export type Language = 'zh-Hans' | 'en'
/** A key both files have: one missing in either does not compile. */
export type Word = keyof typeof zh & keyof typeof en

const BOOKS: Record<Language, Record<Word, string>> = { 'zh-Hans': zh, en }

export const language = ref<Language>(firstLanguage())

/** This will change the language everywhere at once and remember it. */
export function speak(chosen: Language): void {
  language.value = chosen
  keepLanguage(chosen)
  // #ifdef H5
  document.documentElement.lang = chosen
  // #endif
}

/** This will return the sentence in the chosen language, with `{names}` filled in. */
export function t(word: Word, filled: Readonly<Record<string, string | number>> = {}): string {
  return BOOKS[language.value][word].replace(/\{(\w+)\}/g, (whole, name: string) => String(filled[name] ?? whole))
}

/** This will return the sentence for a count: `word.one` for 1, `word.other` else. */
export function counted(word: string, n: number): string {
  return t(`${word}.${n === 1 ? 'one' : 'other'}` as Word, { n })
}

/** This will return the sentence if there is one by that key, else the fall-back. */
export function tOr(word: string, fallback: string): string {
  return word in BOOKS.en ? t(word as Word) : fallback
}

/** This will pick the chosen language out of a server's sentence. */
export function pick(said: Bilingual | null | undefined): string {
  return said ? (language.value === 'en' ? said.en : said.zh) || said.en || said.zh : ''
}

/** This will say in one kind sentence what went wrong. */
export function problemWords(problem: unknown): string {
  if (!(problem instanceof Problem)) return t('app.problem.unknown')
  if (problem.status === 0) return t('app.problem.no_network')
  if (problem.said) return pick(problem.said)
  return t(problem.passing ? 'app.problem.busy' : 'app.problem.unknown')
}

function firstLanguage(): Language {
  const kept = keptLanguage()
  if (kept === 'en' || kept === 'zh-Hans') return kept
  let system = ''
  // #ifdef H5
  system = navigator.language
  // #endif
  // #ifndef H5
  system = uni.getLocale()
  // #endif
  return /^zh/i.test(system) ? 'zh-Hans' : 'en'
}
