/* The phone page without network: its own files only, never an answer of the API. The build fills in version and list. */
const NAME = 'linli-m-__VERSION__'
const FILES = ["__FILES__"]

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  const old = (name) => name.startsWith('linli-m-') && name !== NAME
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))).then(() => self.clients.claim()),
  )
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  if (request.method !== 'GET' || !request.url.startsWith(self.registration.scope)) return
  // The page itself: fresh when there is network, ours when there is none. All else carries a hash in its name.
  event.respondWith(request.mode === 'navigate' ? freshFirst(request) : keptFirst(request))
})

async function freshFirst(request) {
  try {
    return await fetch(request)
  } catch {
    return (await caches.match('./', { cacheName: NAME })) ?? Response.error()
  }
}

async function keptFirst(request) {
  return (await caches.match(request, { cacheName: NAME })) ?? fetch(request)
}
