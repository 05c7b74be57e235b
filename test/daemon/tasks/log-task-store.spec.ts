import type { TaskStore } from '../../../src/model/ports/task-store.ts'
import { taskStoreCompliance } from '../../compliance/task-store.ts'
import { AgreedLog } from '../../support/agreed-log.ts'

describe('LogTaskStore', () => {
  describe('like every task store', () => {
    taskStoreCompliance(async () => {
      const log = new AgreedLog()
      return {
        peer: async () => {
          const store = log.peer()
          // Whoever leads a term reads after it has begun: that is the log's own doing.
          const open = store.open.bind(store)
          const openTerm: TaskStore['open'] = async ({ term }) => {
            log.begin(term)
            return open()
          }
          return Object.assign(store, { open: openTerm })
        },
        end: async () => {}
      }
    })
  })
})
