"""As the conserver's, over a document that is always there."""


class Vcon:
    parties = [{}, {}]
    dialog = [{}]

    def dumps(self):
        return '{"uuid":"V"}'


class VconRedis:
    def get_vcon(self, vcon_uuid):
        return Vcon()
