import { describe } from 'bun:test';
import { join } from 'node:path';
import { describeWith } from '../testing/needs.ts';
import { startMoto, startS3, type TestS3 } from '../testing/s3.ts';
import { WHOLE } from '../testing/whole.ts';
import { blobStoreContract } from './blob-store.contract.ts';
import { s3Store } from './s3-store.ts';
import { s3UploadStore } from './s3-upload-store.ts';
import { uploadStoreContract } from './upload-store.contract.ts';

const MOST = 20 * 1024 ** 3;

function contracts(
  name: string,
  start: () => Promise<TestS3>,
  describeIt: typeof describe | ReturnType<typeof describeWith>,
) {
  blobStoreContract(
    name,
    async () => {
      const { bucket, stop } = await start();
      return { store: s3Store(bucket), close: stop };
    },
    describeIt,
  );
  uploadStoreContract(
    name,
    async (folder) => {
      const { bucket, stop } = await start();
      const blobs = s3Store(bucket);
      const other = () => s3UploadStore({ bucket, blobs, spool: join(folder, 'spool'), maxSize: MOST });
      return { blobs, store: await other(), other, close: stop };
    },
    describeIt,
  );
}

contracts('S3', startS3, describe);
// A second judge, which takes its time.
if (WHOLE) contracts('S3 as moto has it', startMoto, describeWith('moto_server'));
