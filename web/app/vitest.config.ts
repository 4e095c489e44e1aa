import { defineConfig } from 'vitest/config'

// Its own file: the unit tests are plain TypeScript and need none of uni-app's compiler.
export default defineConfig({ plugins: [], test: { include: ['tests/**/*.test.ts'], environment: 'node' } })
