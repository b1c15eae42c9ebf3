import { readFileSync } from 'node:fs'
import t from 'tap'
import { documentsSection, withDocumentsSection } from '../../scripts/reference.ts'

const committed = readFileSync(new URL('../../docs/reference.md', import.meta.url), 'utf8')

t.test('section 1 of the reference is what the schema says; `node scripts/reference.ts` writes it', async (t) => {
  t.ok(committed.includes(documentsSection()))
  t.equal(withDocumentsSection(committed), committed)
})

t.test('other sections stay as they are', async (t) => {
  const text = withDocumentsSection('# Reference\n\n## 1. Documents\nold\n\n## 2. Release life\nkept\n')
  t.ok(text.startsWith('# Reference\n\n## 1. Documents\n'))
  t.ok(text.endsWith('\n\n## 2. Release life\nkept\n'))
  t.notMatch(text, 'old\n')
  t.equal(withDocumentsSection(text), text)
})

t.test('every number, duration and size says what 0 means', async (t) => {
  const rows = [...documentsSection().matchAll(/^\| (.*) \|$/gm)].map(([, row]) => row!.split(' | '))
  const numbers = rows.filter(([, type]) => /^(duration|size|(whole )?number ((?! or ).)+)$/.test(type ?? ''))
  t.ok(numbers.length > 40)
  for (const [key, , , , zero] of numbers) t.ok(zero?.trim(), key ?? '')
})
