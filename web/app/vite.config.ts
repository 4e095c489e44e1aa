import { fileURLToPath, URL } from 'node:url'
import uni from '@dcloudio/vite-plugin-uni'
import { defineConfig } from 'vite'

export default defineConfig({
  // Relative addresses, so that the page works under any prefix of the server.
  base: './',
  plugins: [uni()],
  resolve: { alias: { '@locale': fileURLToPath(new URL('../locale', import.meta.url)) } },
  server: { host: '127.0.0.1', fs: { allow: ['..'] }, proxy: { '/api': process.env.LINLI_API ?? 'http://127.0.0.1:8000' } },
})
