/** A small typed wrapper over uni.request: WeChat has no fetch. */

import { language } from '@/lib/words'
import { answerBody, Problem, problemBody } from './problem'

interface Ask {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly token: string
  readonly body?: object
  readonly onceKey?: string
}

const TIMEOUT_MS = 15_000
const PICTURE_TIMEOUT_MS = 60_000
const RETRY_AFTER_MS = [700, 2_000]

/** This will ask the server and return its JSON; a passing trouble is tried again. Raises Problem. */
export async function ask<T>(question: Ask): Promise<T> {
  // Without a key a POST might be carried out twice, so it is sent once only.
  const repeats = question.method !== 'POST' || question.onceKey ? RETRY_AFTER_MS : []
  for (const wait of repeats) {
    try {
      return await askOnce<T>(question)
    } catch (problem) {
      if (!(problem instanceof Problem) || !problem.passing) throw problem
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
  return askOnce<T>(question)
}

function askOnce<T>(question: Ask): Promise<T> {
  return new Promise((resolve, reject) => {
    uni.request({
      url: apiBase() + question.path,
      method: question.method,
      data: question.body,
      header: headers(question.token, question.onceKey),
      timeout: TIMEOUT_MS,
      success: (answer) => settle<T>(answer.statusCode, answer.data, resolve, reject),
      fail: () => reject(new Problem(0, null)),
    })
  })
}

/** This will send one picture file as multipart and return the JSON answer. Raises Problem. */
export function sendPicture<T>(path: string, token: string, picture: { readonly path: string; readonly file?: File }): Promise<T> {
  return new Promise((resolve, reject) => {
    uni.uploadFile({
      url: apiBase() + path,
      name: 'picture',
      // A browser sends the file itself; uni-app insists on a path beside it.
      filePath: picture.path,
      ...(picture.file ? { file: picture.file } : {}),
      header: headers(token),
      timeout: PICTURE_TIMEOUT_MS,
      success: (answer) => settle<T>(answer.statusCode, answer.data, resolve, reject),
      fail: () => reject(new Problem(0, null)),
    })
  })
}

/** This will send several pictures in one message and return the JSON answer; a browser's doing only. Raises Problem. */
export async function sendPictures<T>(
  path: string, token: string, pictures: readonly { readonly name: string; readonly picture: Blob }[],
): Promise<T> {
  // #ifdef H5
  const form = new FormData()
  pictures.forEach(({ name, picture }, place) => form.append(name, picture, `${place}.jpg`))
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), PICTURE_TIMEOUT_MS)
  try {
    const answer = await fetch(apiBase() + path, { method: 'POST', body: form, headers: headers(token), signal: late.signal })
    const text = await answer.text()
    return await new Promise((resolve, reject) => settle<T>(answer.status, text, resolve, reject))
  } catch (problem) {
    throw problem instanceof Problem ? problem : new Problem(0, null)
  } finally {
    clearTimeout(timer)
  }
  // #endif
  // #ifndef H5
  throw new Problem(0, null)
  // #endif
}

/** This will fetch a document and return an address on this phone at which it can be opened. Raises Problem. */
export async function fetchDocument(path: string, token: string): Promise<string> {
  // #ifdef H5
  try {
    const answer = await fetch(apiBase() + path, { headers: { ...headers(token), Accept: 'application/pdf, application/problem+json' } })
    if (!answer.ok) throw new Problem(answer.status, problemBody(await answer.text()))
    return URL.createObjectURL(await answer.blob())
  } catch (problem) {
    throw problem instanceof Problem ? problem : new Problem(0, null)
  }
  // #endif
  // #ifndef H5
  return new Promise((resolve, reject) => {
    uni.downloadFile({
      url: apiBase() + path,
      header: headers(token),
      timeout: TIMEOUT_MS,
      success: ({ statusCode, tempFilePath }) => (statusCode === 200 ? resolve(tempFilePath) : reject(new Problem(statusCode, null))),
      fail: () => reject(new Problem(0, null)),
    })
  })
  // #endif
}

function settle<T>(status: number, data: unknown, resolve: (value: T) => void, reject: (problem: Problem) => void): void {
  if (status < 200 || status >= 300) return reject(new Problem(status, problemBody(data)))
  const answer = answerBody(data)
  // A captive portal answers 200 with its own page: that is no answer of ours.
  return answer === null ? reject(new Problem(0, null)) : resolve(answer as T)
}

function headers(token: string, onceKey?: string): Record<string, string> {
  return {
    Accept: 'application/json',
    'Accept-Language': language.value === 'en' ? 'en' : 'zh-Hans',
    Authorization: `Bearer ${token}`,
    ...(onceKey ? { 'Idempotency-Key': onceKey } : {}),
  }
}

function apiBase(): string {
  // #ifdef H5
  // The page lives in `…/m/`, the API beside it in `…/api/`, under whatever prefix.
  return window.location.pathname.replace(/\/m(\/.*)?$/, '').replace(/\/$/, '') + '/api'
  // #endif
  // #ifndef H5
  return (import.meta.env.VITE_LINLI_ORIGIN ?? '') + '/api'
  // #endif
}
