import { expect, it } from 'vitest';
import { adviceFor, type Board } from './provider-advice.ts';

const board = (kind: Board['kind'], arch: string): Board => ({ kind, arch, name: kind });

it('gives a line only where one exists, and always says what else is needed', () => {
  expect(adviceFor('webgpu', board('debian', 'x64')).line).toBe(
    'sudo apt-get install libvulkan1 mesa-vulkan-drivers',
  );
  expect(adviceFor('webgpu', board('raspberryPi', 'arm64')).line).toBeUndefined();
  expect(adviceFor('cuda', board('raspberryPi', 'arm64'))).toEqual({
    note: 'this board has no NVIDIA processor',
  });
  expect(adviceFor('tensorrt', board('jetson', 'arm64')).line).toBe('sudo apt-get install nvidia-jetpack');
  expect(adviceFor('tensorrt', board('ubuntu', 'x64')).note).toContain('TensorRT 10');
  for (const name of ['cpu', 'cuda', 'tensorrt', 'openvino', 'webgpu', 'other'])
    for (const arch of ['x64', 'arm64', 'arm', 'riscv64'])
      expect(adviceFor(name, board('other', arch)).note).not.toBe('');
});
