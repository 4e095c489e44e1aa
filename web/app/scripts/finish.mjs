/**
 * After `uni build`: no address of anybody else may be left in the page, and the server gets its copy.
 * uni-app's own sheet asks a content network for a shadow picture; the estate's guests ask nobody.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const built = join(here, '../dist/build/h5')
const served = join(here, '../../../src/linli/server/fronts/m')

const files = readdirSync(built, { recursive: true }).map((name) => join(built, name)).filter((name) => statSync(name).isFile())

for (const file of files.filter((name) => name.endsWith('.css'))) {
  const sheet = readFileSync(file, 'utf8')
  const clean = sheet.replace(/url\(\s*["']?(?:https?:)?\/\/[^)]*\)/g, 'none')
  if (clean !== sheet) writeFileSync(file, clean)
}

const foreign = files
  .filter((name) => /\.(css|html)$/.test(name))
  .filter((name) => /(?:src|href)=["'](?:https?:)?\/\/|url\(\s*["']?(?:https?:)?\/\/|@import/.test(readFileSync(name, 'utf8')))
if (foreign.length) throw new Error(`these still ask foreign addresses: ${foreign.map((name) => relative(built, name)).join(', ')}`)

// A script in the page itself would be refused by the server's content security policy.
const page = readFileSync(join(built, 'index.html'), 'utf8')
if (/<script(?![^>]*\bsrc=)[^>]*>/.test(page)) throw new Error('index.html carries an inline script')

// The worker keeps the page's files for the dead zone in the garage; its list and version come from the build.
const kept = files.map((name) => relative(built, name).replaceAll('\\', '/')).filter((name) => name !== 'sw.js').sort()
const digest = createHash('sha256')
for (const name of kept) digest.update(name).update(readFileSync(join(built, name)))
const worker = readFileSync(join(here, 'sw.js'), 'utf8')
  .replace('__VERSION__', digest.digest('hex').slice(0, 12))
  .replace('["__FILES__"]', JSON.stringify(['./', ...kept.filter((name) => name !== 'index.html')]))
writeFileSync(join(built, 'sw.js'), worker)

rmSync(served, { recursive: true, force: true })
mkdirSync(dirname(served), { recursive: true })
cpSync(built, served, { recursive: true })
const bytes = [...files, join(built, 'sw.js')].reduce((sum, name) => sum + statSync(name).size, 0)
console.log(`phone page: ${kept.length + 1} files, ${Math.round(bytes / 1024)} kB, copied for the server`)
